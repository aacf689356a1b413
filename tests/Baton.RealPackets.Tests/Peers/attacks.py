"""Sends packets that make no sense: INTERFACE SOURCE SERVICE OWN PORT SEED. Prints "all sent" at the end."""
import random
import sys

from scapy.all import *  # scapy's own way of being used

conf.verb = 0
interface, source, service, own, port, seed = sys.argv[1:4] + [sys.argv[4], int(sys.argv[5]), int(sys.argv[6])]
chance = random.Random(seed)
v6 = ":" in service
IPx = IPv6 if v6 else IP
link = Ether(dst=getmacbyip6(service) if v6 else getmacbyip(service), src=get_if_hwaddr(interface))
socket = conf.L2socket(iface=interface)


def ip(to=service, **fields):
    return IPx(src=fields.pop("src", source), dst=to, **fields)


def out(packet):
    socket.send(link / packet)


# Flags that contradict each other, on open and closed ports.
for flags in range(256):
    out(ip() / TCP(sport=20000 + flags, dport=port, flags=flags, seq=1000, ack=2000) / (b"x" * (flags % 7)))
    out(ip() / TCP(sport=20000 + flags, dport=9, flags=flags, seq=1000, ack=2000))

# From its own address and port, from groups, from nobody.
for src in ([service, "ff02::1", "::", "::1"] if v6 else [service, "224.0.0.1", "255.255.255.255", "0.0.0.0", "127.0.0.1", "198.51.100.255"]):
    out(ip(src=src) / TCP(sport=port, dport=port, flags="S"))
    out(ip(src=src) / UDP(sport=5060, dport=5060) / b"x")

# Options: lengths that are too short, too long, zero, and every kind.
for kind in range(256):
    for length in (0, 1, 2, 3, 40, 255):
        raw = bytes([kind, length, 1, 2, 3, 4, 5, 6])
        segment = TCP(sport=30000 + kind, dport=port, flags="S", dataofs=7)
        out(ip() / segment / raw)

# Header lengths that lie.
for offset in range(16):
    out(ip() / TCP(sport=31000 + offset, dport=port, flags="S", dataofs=offset))
for length in (0, 1, 7, 8, 9, 100, 65535):
    out(ip() / UDP(sport=31000, dport=5060, len=length) / b"short")
if not v6:
    for length in (0, 19, 20, 21, 39, 60, 1500, 65535):
        out(ip(len=length) / TCP(sport=32000, dport=port, flags="S"))
    for words in range(16):
        out(ip(ihl=words) / TCP(sport=32001, dport=port, flags="S"))
    out(ip(options=IPOption(b"\x83\x03\x10")) / TCP(sport=32002, dport=port, flags="S"))
    out(ip(options=IPOption(b"\x07\xff\x04")) / TCP(sport=32003, dport=port, flags="S"))
else:
    for length in (0, 1, 19, 20, 21, 1500, 65535):
        out(ip(plen=length) / TCP(sport=32000, dport=port, flags="S"))

# Wrong checksums, transports that are not spoken.
for checksum in (0, 1, 0xFFFF):
    out(ip() / TCP(sport=33000, dport=port, flags="S", chksum=checksum))
    out(ip() / UDP(sport=33000, dport=5060, chksum=checksum) / b"x")
for protocol in range(256):
    out(ip(**({"nh": protocol} if v6 else {"proto": protocol})) / Raw(b"\x00" * 8))

# Fragments: overlapping, tiny, beyond the end, never complete, and many.
payload = bytes(TCP(sport=34000, dport=port, flags="S")) + b"z" * 200
for identity in range(300):
    for offset, more, part in ((0, 1, payload[:64]), (3, 1, payload[:64]), (1, 0, payload[:8]), (8189, 1, payload[:64]), (2, 1, b"")):
        if v6:
            out(ip() / IPv6ExtHdrFragment(nh=6, id=identity, offset=offset, m=more) / Raw(part))
        else:
            out(ip(id=identity, frag=offset, flags="MF" if more else 0, proto=6) / Raw(part))

# Errors about nothing, about the service's own flow, about themselves.
quoted = bytes((IPv6 if v6 else IP)(src=service, dst=source) / TCP(sport=port, dport=40000, seq=1))
for kind in range(256):
    for code in (0, 3, 4, 255):
        for body in (b"", quoted[:10], quoted):
            out(ip() / (ICMPv6Unknown(type=kind, code=code) if v6 else ICMP(type=kind, code=code)) / Raw(b"\x00" * (4 if v6 else 0) + body))

if v6:
    # Chains of extension headers, routing header 0, jumbograms, discovery from afar and for others.
    chain = ip()
    for _ in range(40):
        chain = chain / IPv6ExtHdrDestOpt()
    out(chain / TCP(sport=35000, dport=port, flags="S"))
    out(ip() / IPv6ExtHdrRouting(type=0, addresses=[own, source]) / TCP(sport=35001, dport=port, flags="S"))
    out(ip(plen=0) / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]) / TCP(sport=35002, dport=port, flags="S"))
    for hop in (1, 254, 255):
        out(ip(hlim=hop) / ICMPv6ND_NA(tgt=own, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:66:66"))
        out(ip(hlim=hop) / ICMPv6ND_NS(tgt=own) / ICMPv6NDOptSrcLLAddr(lladdr="ff:ff:ff:ff:ff:ff"))
        out(ip(hlim=hop) / ICMPv6ND_RA(routerlifetime=9000) / ICMPv6NDOptPrefixInfo(prefix="2001:db8:1::", prefixlen=64))
        out(ip(hlim=hop) / ICMPv6ND_Redirect(tgt=own, dst=source))
else:
    # Neighbours that claim the node's addresses, groups, and nothing. (Who claims another's is believed, RFC 826.)
    for claimed in (service, own, "0.0.0.0", "224.0.0.1"):
        for operation in (1, 2, 3, 65535):
            socket.send(Ether(dst=link.dst, src=link.src) / ARP(op=operation, hwsrc="02:00:00:00:66:66", psrc=claimed, pdst=own))

# Frames cut anywhere, and packets with bits turned over.
whole = bytes(link / ip() / TCP(sport=36000, dport=port, flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("WScale", 7)]) / b"data")
for length in range(14, len(whole)):
    socket.send(Raw(whole[:length]))
for _ in range(2000):
    changed = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(14, len(changed))] ^= 1 << chance.randrange(8)
    socket.send(Raw(bytes(changed)))

print("all sent")

using System.Buffers.Binary;

namespace Baton.Wire.Tests;

/// <summary>Neighbor Discovery's messages, and what is told about IPv6 packets that make no sense.</summary>
public sealed class NeighbourDiscoveryTests
{
    private const int Rounds = 2000;

    [Fact]
    public void A_solicitation_or_advertisement_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        bool advertisement = random.NextBool();
        var written = new NeighbourMessage
        {
            IsAdvertisement = advertisement,
            Target = Unicast(random),
            LinkAddress = random.NextBool() ? Station(random) : null,
            IsRouter = advertisement && random.NextBool(),
            IsSolicited = advertisement && random.NextBool(),
            Overrides = advertisement && random.NextBool(),
        };
        Assert.Equal(DropReason.None, Read(written, Unicast(random), Unicast(random), 255, out var read));
        Assert.Equal(written, read);
    });

    [Fact]
    public void A_router_message_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        bool advertisement = random.NextBool();
        var written = new RouterMessage
        {
            IsAdvertisement = advertisement,
            LinkAddress = random.NextBool() ? Station(random) : null,
            Lifetime = advertisement ? random.NextUShort() : (ushort)0,
            HopLimit = advertisement ? (byte)random.Next(256) : (byte)0,
            ReachableTime = advertisement ? random.NextUInt() : 0,
            RetransmissionTime = advertisement ? random.NextUInt() : 0,
            Mtu = advertisement && random.NextBool() ? random.NextUInt() : null,
        };
        var source = InetAddress.LinkLocalOf(Station(random));
        var bytes = new byte[written.Length];
        written.Write(bytes, source, InetAddress.AllNodes);
        var packet = Layout(source, InetAddress.AllNodes, bytes.Length, 255);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(packet, bytes, out var message));
        Assert.Equal(DropReason.None, RouterMessage.TryParse(packet, message, out var read));
        Assert.Equal(written, read);
    });

    [Fact]
    public void What_the_rules_of_discovery_forbid_is_refused()
    {
        var random = new Random(1);
        var (source, target, mac) = (Unicast(random), Unicast(random), Station(random));
        var asks = new NeighbourMessage { Target = target, LinkAddress = mac };
        var tells = new NeighbourMessage { IsAdvertisement = true, Target = target, LinkAddress = mac, IsSolicited = true };
        Assert.Equal(DropReason.None, Read(asks, source, target.SolicitedNode, 255, out _));
        Refused(asks, source, target.SolicitedNode, hopLimit: 254);
        Refused(asks with { Target = InetAddress.AllNodes }, source, target.SolicitedNode);
        Refused(asks with { Target = InetAddress.AnyV6 }, source, target.SolicitedNode);
        Refused(asks, InetAddress.AnyV6, target.SolicitedNode);
        Refused(asks with { LinkAddress = null }, InetAddress.AnyV6, target);
        Refused(asks with { LinkAddress = MacAddress.Broadcast }, source, target.SolicitedNode);
        Refused(tells, source, InetAddress.AllNodes);
    }

    [Fact]
    public void Options_of_length_zero_or_beyond_the_message_or_too_many_make_it_invalid()
    {
        byte[] target = [0x20, 1, 0x0d, 0xb8, .. new byte[11], 1];
        Assert.Equal(DropReason.None, ReadOptions([.. target, 200, 1, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, ReadOptions([.. target, 200, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, ReadOptions([.. target, 200, 2, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, ReadOptions([.. target, 200]));
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, ReadOptions([.. target, .. Enumerable.Repeat<byte[]>([200, 1, 0, 0, 0, 0, 0, 0], 33).SelectMany(o => o)]));
    }

    [Fact]
    public void Mutated_messages_throw_nowhere() => Seeds.Run(20_000, random =>
    {
        byte[] body = random.Bytes(random.Next(120));
        for (int at = 16; at + 1 < body.Length && random.NextBool(); at += 8)
        {
            (body[at], body[at + 1]) = ((byte)random.Next(1, 6), (byte)random.Next(3));
        }

        var packet = Layout(Unicast(random), Unicast(random), 8 + body.Length, 255);
        var message = new IcmpMessage(AddressFamily.V6, (byte)random.Next(133, 138), 0, random.NextUInt(), body);
        NeighbourMessage.TryParse(packet, message, out _);
        RouterMessage.TryParse(packet, message, out _);
    });

    [Fact]
    public void What_is_told_about_any_packet_points_into_it() => Seeds.Run(20_000, random =>
    {
        var bytes = random.Bytes(random.Next(40, 200));
        bytes[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(bytes.Length - 40));
        ReadOnlySpan<byte> chain = [0, 43, 44, 51, 60, 59, 6, 132];
        bytes[6] = chain[random.Next(chain.Length)];
        for (int at = 40; at + 1 < bytes.Length; at += 8)
        {
            bytes[at] = chain[random.Next(chain.Length)];
            bytes[at + 1] = (byte)random.Next(3);
        }

        if (Ipv6Problem.TryFind(bytes, out var problem))
        {
            Assert.InRange(problem.Pointer, 0u, (uint)bytes.Length);
            Assert.InRange(problem.Code, 0, 3);
        }
    });

    [Fact]
    public void The_special_addresses_are_those_of_the_RFCs()
    {
        Assert.Equal(InetAddress.Parse("ff02::1:ff28:9c5a"), InetAddress.Parse("fe80::2aa:ff:fe28:9c5a").SolicitedNode);
        Assert.Equal(new MacAddress(0x3333_FF28_9C5A), MacAddress.GroupOf(InetAddress.Parse("ff02::1:ff28:9c5a")));
        Assert.Equal(InetAddress.Parse("fe80::3656:78ff:fe9a:bcde"), InetAddress.LinkLocalOf(new MacAddress(0x3456_789A_BCDE)));
        Assert.Equal(InetAddress.Parse("ff02::1"), InetAddress.AllNodes);
        Assert.True(InetAddress.Parse("fe80::1").IsLinkLocal && InetAddress.Parse("169.254.1.1").IsLinkLocal);
        Assert.False(InetAddress.Parse("fec0::1").IsLinkLocal || InetAddress.Parse("10.0.0.1").IsLinkLocal);
        Assert.True(InetAddress.Parse("::").IsUnspecified && InetAddress.Parse("0.0.0.0").IsUnspecified);
    }

    private static void Refused(in NeighbourMessage message, InetAddress source, InetAddress destination, byte hopLimit = 255) =>
        Assert.Equal(DropReason.NeighbourDiscoveryMalformed, Read(message, source, destination, hopLimit, out _));

    private static DropReason Read(in NeighbourMessage written, InetAddress source, InetAddress destination, byte hopLimit, out NeighbourMessage read)
    {
        var bytes = new byte[written.Length];
        written.Write(bytes, source, destination);
        var packet = Layout(source, destination, bytes.Length, hopLimit);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(packet, bytes, out var message));
        return NeighbourMessage.TryParse(packet, message, out read);
    }

    private static DropReason ReadOptions(byte[] body) => NeighbourMessage.TryParse(
        Layout(InetAddress.Parse("2001:db8::2"), InetAddress.Parse("2001:db8::1"), 8 + body.Length, 255),
        new IcmpMessage(AddressFamily.V6, IcmpV6Type.NeighbourSolicitation, 0, 0, body),
        out _);

    private static IpPacket Layout(InetAddress source, InetAddress destination, int length, byte hopLimit) => new()
    {
        Family = AddressFamily.V6,
        Protocol = IpProtocol.IcmpV6,
        Source = source,
        Destination = destination,
        HeaderLength = Ipv6Header.Length,
        TotalLength = Ipv6Header.Length + length,
        Ttl = hopLimit,
    };

    private static InetAddress Unicast(Random random) =>
        InetAddress.FromBytes([0x20, 1, 0x0d, 0xb8, .. random.Bytes(11), 1]);

    private static MacAddress Station(Random random) => new((random.NextMac().Value & 0xFEFF_FFFF_FFFF) | 1);
}

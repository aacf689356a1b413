namespace Baton.Wire.Tests;

/// <summary>
/// Frames that Linux's kernel wrote (captured on a veth pair whose transport checksums were offloaded, so the field holds
/// the pseudo-header's sum), and the checksums that Wireshark calculated for them.
/// </summary>
public sealed class CaptureTests
{
    private const string SynV4 =
        "02000000000b02000000000a08004500003c5e76400040065842c0000201c00002028e5e1f90f377d95300000000a002faf084320000"
        + "020405b40402080aa926ba3e000000000103030a";

    private const string DataV4 =
        "02000000000a02000000000b080045000039bac940004006fbf1c0000202c00002011f908e5e48017432f377d95880180040842f0000"
        + "0101080a48c51f81a926ba3e706f6e6721";

    private const string UdpV4 = "02000000000b02000000000a080045000021d2db40004011e3ecc0000201c000020288310009000d842268656c6c6f";

    private const string SynV6 =
        "02000000000b02000000000a86dd600bcd640028064020010db800000000000000000000000120010db8000000000000000000000002"
        + "858a1f9020ee5e4900000000a002fd205ba30000020405a00402080a7fc01b8e000000000103030a";

    private const string DataV6 =
        "02000000000a02000000000b86dd600de1b60025064020010db800000000000000000000000220010db8000000000000000000000001"
        + "1f90858a64a74c4820ee5e4e8018003f5ba000000101080a0e0e3f3c7fc01b8e706f6e6721";

    [Theory]
    [InlineData(SynV4, 0x8432, 0xeae8)]
    [InlineData(DataV4, 0x842f, 0xeff6)]
    [InlineData(UdpV4, 0x8422, 0xafc3)]
    [InlineData(SynV6, 0x5ba3, 0x2fdb)]
    [InlineData(DataV6, 0x5ba0, 0x5d46)]
    public void A_partial_checksum_is_seeded_as_the_kernel_does_and_completed_as_Wireshark_calculates(string hex, int partial, int complete)
    {
        var ip = Convert.FromHexString(hex).AsSpan(EthernetHeader.Length);
        var packet = Packets.Parse(ip);
        bool tcp = packet.Protocol == IpProtocol.Tcp;

        Assert.Equal(
            partial,
            tcp ? TcpChecksum.Partial(packet.Source, packet.Destination, packet.PayloadLength)
                : UdpChecksum.Partial(packet.Source, packet.Destination, packet.PayloadLength));
        Assert.Equal(DropReason.None, Segmentation.CompleteChecksum(ip));
        Assert.True(Packets.HasRightChecksum(ip));
        int at = packet.HeaderLength + (tcp ? TcpChecksum.Offset : UdpHeader.ChecksumOffset);
        Assert.Equal(complete, ip[at] << 8 | ip[at + 1]);
    }

    [Fact]
    public void A_SYN_of_the_kernel_is_read()
    {
        var frame = Convert.FromHexString(SynV4).AsSpan();
        Assert.True(EthernetHeader.TryParse(frame, out var ethernet));
        Assert.Equal("02:00:00:00:00:0b", ethernet.Destination.ToString());
        Assert.Equal("02:00:00:00:00:0a", ethernet.Source.ToString());
        Assert.Equal(EtherType.Ipv4, ethernet.EtherType);

        var ip = frame[EthernetHeader.Length..];
        var packet = Packets.Parse(ip);
        Assert.Equal("tcp 192.0.2.1:36446 > 192.0.2.2:8080", packet.FlowAtDestination().ToString());
        Assert.True(packet.DontFragment);
        Assert.Equal(0x5e76u, packet.Identification);

        Assert.Equal(DropReason.None, TcpHeader.TryParse(packet.Payload(ip), out var tcp, out int length));
        Assert.Equal(40, length);
        Assert.Equal(TcpFlags.Syn, tcp.Flags);
        Assert.Equal(0xf377d953, tcp.Sequence.Value);
        Assert.Equal((ushort)64240, tcp.Window);
        Assert.Equal((ushort?)1460, tcp.Options.Mss);
        Assert.Equal((byte?)10, tcp.Options.WindowScale);
        Assert.True(tcp.Options.SackPermitted);
        Assert.Equal(2837887550u, tcp.Options.TimestampValue);
    }

    [Theory]
    [InlineData(SynV4)]
    [InlineData(DataV4)]
    [InlineData(SynV6)]
    [InlineData(DataV6)]
    public void A_header_of_the_kernel_is_written_with_the_same_bytes(string hex)
    {
        var ip = Convert.FromHexString(hex).AsSpan(EthernetHeader.Length);
        var packet = Packets.Parse(ip);
        TcpHeader.TryParse(packet.Payload(ip), out var tcp, out int length);
        var written = new byte[packet.HeaderLength + length];
        if (packet.Family == AddressFamily.V4)
        {
            Ipv4Header.Write(written, packet.Source, packet.Destination, packet.Protocol, packet.TotalLength, (ushort)packet.Identification);
        }
        else
        {
            uint flowLabel = (uint)((ip[1] & 0xF) << 16 | ip[2] << 8 | ip[3]);
            Ipv6Header.Write(written, packet.Source, packet.Destination, packet.Protocol, packet.PayloadLength, flowLabel);
        }

        tcp.Write(written.AsSpan(packet.HeaderLength));
        ip[packet.HeaderLength + TcpChecksum.Offset] = 0;
        ip[packet.HeaderLength + TcpChecksum.Offset + 1] = 0;
        Assert.Equal(Convert.ToHexString(ip[..written.Length]), Convert.ToHexString(written));
    }

    [Fact]
    public void An_ARP_exchange_of_the_kernel_is_read()
    {
        var request = Convert.FromHexString("ffffffffffff02000000000a0806000108000604000102000000000ac0000201000000000000c0000202");
        var reply = Convert.FromHexString("02000000000a02000000000b0806000108000604000202000000000bc000020202000000000ac0000201");

        Assert.Equal(DropReason.None, ArpPacket.TryParse(request.AsSpan(14), out var asked));
        Assert.Equal(DropReason.None, ArpPacket.TryParse(reply.AsSpan(14), out var answered));
        Assert.Equal(new(ArpOperation.Request, new(0x0200_0000_000a), InetAddress.Parse("192.0.2.1"), default, InetAddress.Parse("192.0.2.2")), asked);
        Assert.Equal(
            new(ArpOperation.Reply, new(0x0200_0000_000b), InetAddress.Parse("192.0.2.2"), new(0x0200_0000_000a), InetAddress.Parse("192.0.2.1")),
            answered);
    }

    [Theory]
    [InlineData(
        "02000000000a02000000000b080045c0003d075a00004001eea2c0000202c00002010303acc00000000045000021d2db40004011e3ecc0000201"
        + "c000020288310009000d842268656c6c6f",
        "udp 192.0.2.2:9 > 192.0.2.1:34865")]
    [InlineData(
        "02000000000a02000000000b86dd600d33a2003d3a4020010db800000000000000000000000220010db80000000000000000000000010104a872"
        + "00000000600ce745000d114020010db800000000000000000000000120010db8000000000000000000000002a70c0009000d5b9368656c6c6f",
        "udp [2001:db8::2]:9 > [2001:db8::1]:42764")]
    public void A_port_unreachable_of_the_kernel_is_read_with_the_flow_it_quotes(string hex, string flow)
    {
        var ip = Convert.FromHexString(hex).AsSpan(EthernetHeader.Length);
        var packet = Packets.Parse(ip);

        Assert.Equal(DropReason.None, IcmpMessage.TryParse(in packet, packet.Payload(ip), out var message));
        Assert.True(message.IsError);
        Assert.Equal(IcmpErrorKind.PortUnreachable, message.ErrorKind);
        Assert.Equal(DropReason.None, IpPacket.TryParseQuoted(message.Body, out var quoted));
        Assert.Equal(flow, quoted.FlowAtSource().ToString());
        Assert.Equal(DropReason.None, IpPacket.TryParseQuoted(message.Body[..(quoted.HeaderLength + 8)], out quoted));
        Assert.Equal(flow, quoted.FlowAtSource().ToString());
    }

    [Fact]
    public void An_IPv6_packet_with_hop_by_hop_options_is_read()
    {
        var ip = Convert.FromHexString(
            "600000000038000100000000000000000000000000000000ff0200000000000000000000000000163a000502000001008f006d63"
            + "0000000204000000ff0200000000000000000001ff00000b04000000ff0200000000000000000001ff000002").AsSpan();
        var packet = Packets.Parse(ip);

        Assert.Equal(IpProtocol.IcmpV6, packet.Protocol);
        Assert.Equal(48, packet.HeaderLength);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(in packet, packet.Payload(ip), out var message));
        Assert.Equal(143, message.Type);
    }
}

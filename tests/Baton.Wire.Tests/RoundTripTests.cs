namespace Baton.Wire.Tests;

public sealed class RoundTripTests
{
    private const int Rounds = 2000;

    [Fact]
    public void An_Ethernet_header_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var header = new EthernetHeader(random.NextMac(), random.NextMac(), random.NextUShort());
        var frame = new byte[EthernetHeader.Length];
        header.Write(frame);

        Assert.True(EthernetHeader.TryParse(frame, out var read));
        Assert.Equal(header, read);
    });

    [Fact]
    public void An_ARP_packet_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var arp = new ArpPacket(
            random.NextBool() ? ArpOperation.Request : ArpOperation.Reply,
            random.NextMac(),
            random.NextAddress(AddressFamily.V4),
            random.NextMac(),
            random.NextAddress(AddressFamily.V4));
        var packet = new byte[ArpPacket.Length];
        arp.Write(packet);

        Assert.Equal(DropReason.None, ArpPacket.TryParse(packet, out var read));
        Assert.Equal(arp, read);
    });

    [Fact]
    public void An_IPv4_header_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var (source, target) = (random.NextAddress(AddressFamily.V4), random.NextAddress(AddressFamily.V4));
        var packet = new byte[Ipv4Header.Length + random.Next(100)];
        ushort identification = random.NextUShort();
        byte trafficClass = (byte)random.Next(256);
        byte ttl = (byte)random.Next(256);
        bool dontFragment = random.NextBool();
        Ipv4Header.Write(packet, source, target, IpProtocol.Icmp, packet.Length, identification, trafficClass, ttl, dontFragment);

        Assert.Equal(
            new IpPacket
            {
                Family = AddressFamily.V4,
                Protocol = IpProtocol.Icmp,
                Source = source,
                Destination = target,
                HeaderLength = Ipv4Header.Length,
                TotalLength = packet.Length,
                Ttl = ttl,
                TrafficClass = trafficClass,
                DontFragment = dontFragment,
                Identification = identification,
            },
            Packets.Parse(packet));
    });

    [Fact]
    public void An_IPv6_header_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var (source, target) = (random.NextAddress(AddressFamily.V6), random.NextAddress(AddressFamily.V6));
        var packet = new byte[Ipv6Header.Length + random.Next(100)];
        byte trafficClass = (byte)random.Next(256);
        byte hopLimit = (byte)random.Next(256);
        Ipv6Header.Write(packet, source, target, IpProtocol.IcmpV6, packet.Length - Ipv6Header.Length, random.NextUInt(), trafficClass, hopLimit);

        Assert.Equal(
            new IpPacket
            {
                Family = AddressFamily.V6,
                Protocol = IpProtocol.IcmpV6,
                Source = source,
                Destination = target,
                HeaderLength = Ipv6Header.Length,
                TotalLength = packet.Length,
                Ttl = hopLimit,
                TrafficClass = trafficClass,
                DontFragment = true,
            },
            Packets.Parse(packet));
    });

    [Fact]
    public void A_TCP_header_reads_back_as_written_but_for_SACK_blocks_that_do_not_fit() => Seeds.Run(Rounds, random =>
    {
        var header = random.NextTcpHeader();
        var segment = new byte[TcpHeader.MaxLength + 5];
        int length = header.Write(segment);

        Assert.Equal(DropReason.None, TcpHeader.TryParse(segment, out var read, out int headerLength));
        Assert.Equal(length, headerLength);
        Assert.Equal(header.Length, length);
        var expected = header.Options;
        expected.ClearSack();
        for (int i = 0; i < read.Options.SackCount; i++)
        {
            expected.TryAddSack(header.Options[i]);
        }

        Assert.Equal(header with { Options = expected }, read);
        Assert.True(read.Options.SackCount == header.Options.SackCount || length + 8 > TcpHeader.MaxLength);
    });

    [Fact]
    public void A_UDP_header_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var datagram = new byte[UdpHeader.Length + random.Next(100)];
        var header = new UdpHeader(random.NextUShort(), random.NextUShort(), (ushort)datagram.Length, random.NextUShort());
        header.Write(datagram);

        Assert.Equal(DropReason.None, UdpHeader.TryParse(datagram, out var read));
        Assert.Equal(header, read);
    });

    [Fact]
    public void An_ICMP_message_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var family = random.NextFamily();
        var (source, target) = (random.NextAddress(family), random.NextAddress(family));
        var body = random.Bytes(random.Next(100));
        var (type, code, rest) = ((byte)random.Next(256), (byte)random.Next(256), random.NextUInt());
        var bytes = new byte[IcmpMessage.HeaderLength + body.Length];
        new IcmpMessage(family, type, code, rest, body).Write(bytes, source, target);
        var packet = Packets.Ip(source, target, family == AddressFamily.V4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, bytes);
        var ip = Packets.Parse(packet);

        Assert.Equal(DropReason.None, IcmpMessage.TryParse(in ip, ip.Payload(packet), out var read));
        Assert.Equal((family, type, code, rest), (read.Family, read.Type, read.Code, read.Rest));
        Assert.True(read.Body.SequenceEqual(body));
    });

    [Fact]
    public void A_Geneve_header_reads_back_as_written() => Seeds.Run(Rounds, random =>
    {
        var header = new GeneveHeader(4 * random.Next(64), random.NextBool(), random.NextBool(), random.NextUShort(), random.NextUInt() >> 8);
        var bytes = new byte[GeneveHeader.Length + header.OptionsLength];
        header.Write(bytes);

        Assert.Equal(DropReason.None, GeneveHeader.TryParse(bytes, out var read));
        Assert.Equal(header, read);
    });

    [Fact]
    public void A_checksum_written_verifies_and_one_changed_bit_breaks_it() => Seeds.Run(Rounds, random =>
    {
        var packet = Packets.Next(random);
        var parsed = Packets.Parse(packet);
        Assert.True(Packets.HasRightChecksum(packet));

        bool checksumless = parsed.Protocol == IpProtocol.Udp && parsed.Family == AddressFamily.V4;
        int at = random.Next(parsed.HeaderLength + (checksumless ? UdpHeader.Length : 0), packet.Length + (checksumless ? 1 : 0));
        if (at < packet.Length)
        {
            packet[at] ^= (byte)(1 << random.Next(8));
            Assert.False(Packets.HasRightChecksum(packet));
        }
    });
}

using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class EncapsulationTests
{
    // Made by hand from RFC 791, 768, 8926 and docs/reference.md: a datagram "hello" of a client to a service.
    private const string ClientPacket =
        "45000021000740004011d429cb007102c63364659c400035000db8f068656c6c6f";

    private const string FrameV4 =
        "020000000002020000000001" + "0800"
        + "45000081000040004011b668c0000201c0000202"
        + "d23417c1006d0000"
        + "0f40080000000000" + "ff42810e"
        + "01010411" + "00000005" + "1122334455667788" + "9c401f75" + "00350000"
        + "0000000000000000000000000000000000000000"
        + "cb007102" + "c6336465" + "c0000202";

    private const string FrameV6 =
        "020000000002020000000001" + "86dd"
        + "6000000000791140" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002"
        + "d23417c100791f01"
        + "1240080000000000" + "ff428111"
        + "01090411" + "00000005" + "1122334455667788" + "9c401f75" + "00350000"
        + "0000000000000000000000000000000000000000"
        + "cb007102" + "c6336465" + "20010db8000000000000000000000002";

    private static readonly Flow s_flow = new(
        IpProtocol.Udp, new(InetAddress.Parse("198.51.100.101"), 53, InetAddress.Parse("203.0.113.2"), 40_000));

    [Theory]
    [InlineData(false, FrameV4)]
    [InlineData(true, FrameV6)]
    public void A_forwarded_packet_has_exactly_these_bytes(bool v6, string headers)
    {
        byte[] packet = Convert.FromHexString(ClientPacket);
        var outer = v6 ? LanV6 : LanV4;
        var reference = ReferenceCodec.Encode(
            new Reference(s_flow, new(0x1122_3344_5566_7788), new(5), outer.Destination, 8053, Sequence: null));
        byte[] scratch = new byte[Forwarder.ScratchLength];

        var reason = new Forwarder(1500, 1).TryStart(
            Parse(packet), packet, FrameOffload.None, in reference, ReferenceCodec.InitialHops, in outer,
            Encapsulation.SourcePort(0xABCD_1234), scratch, out var frames);

        Assert.Equal(DropReason.None, reason);
        Assert.True(frames.TryNext(out var frame));
        Assert.Equal(headers, Convert.ToHexStringLower(frame.Headers));
        Assert.Equal(ClientPacket, Convert.ToHexStringLower(frame.Payload));
        Assert.False(frames.TryNext(out _));
    }

    [Theory]
    [InlineData(FrameV4)]
    [InlineData(FrameV6)]
    public void Decapsulating_gives_the_clients_packet_and_every_field_of_the_reference(string headers)
    {
        byte[] packet = Convert.FromHexString(headers + ClientPacket)[EthernetHeader.Length..];

        var reason = Encapsulation.TryDecapsulate(Parse(packet), packet, ChecksumState.Complete, A, out var inner);

        Assert.Equal(DropReason.None, reason);
        Assert.Equal(ClientPacket, Convert.ToHexStringLower(inner.Packet));
        Assert.Equal(4, inner.Hops);
        Assert.Equal(s_flow, inner.Reference.Flow);
        Assert.Equal(new EndpointId(0x1122_3344_5566_7788), inner.Reference.Id);
        Assert.Equal(new Epoch(5), inner.Reference.Epoch);
        Assert.Equal(8053, inner.Reference.OwnerPort);
        Assert.Null(inner.Reference.Sequence);
        Assert.Equal(s_flow, inner.Layout.FlowAtDestination());
    }

    [Theory]
    [InlineData(0ul, 49152)]
    [InlineData(0x3FFFul, 65535)]
    [InlineData(ulong.MaxValue, 65535)]
    [InlineData(0x4000ul, 49152)]
    public void The_source_port_is_the_flows_hash_in_the_dynamic_range(ulong hash, int port) =>
        Assert.Equal(port, Encapsulation.SourcePort(hash));

    [Fact]
    public void What_no_member_sent_is_dropped() =>
        Assert.Equal(DropReason.NotMember, Decapsulate(FrameV4 + ClientPacket, member: NodeId.None));

    [Theory]
    [InlineData("critical bit clear", 43, 0x00, DropReason.GeneveMalformed)]
    [InlineData("another Geneve version", 42, 0x4F, DropReason.GeneveMalformed)]
    [InlineData("options longer than the datagram", 42, 0x3F, DropReason.Truncated)]
    [InlineData("another option", 52, 0x82, DropReason.GeneveMalformed)]
    [InlineData("another version of the reference", 54, 0x02, DropReason.ReferenceVersion)]
    [InlineData("not forwarded", 55, 0x00, DropReason.ReferenceMalformed)]
    [InlineData("hop count spent", 56, 0x00, DropReason.HopsExhausted)]
    [InlineData("another client port", 71, 0x41, DropReason.ReferenceMismatch)]
    [InlineData("another port than the farm's", 37, 0xC2, DropReason.UnknownProtocol)]
    [InlineData("longer than the packet", 39, 0xFF, DropReason.UdpBadLength)]
    [InlineData("a fragment", 21, 0x01, DropReason.IpBadFragment)]
    public void A_header_with_one_thing_wrong_is_dropped_by_name(string what, int offset, byte value, DropReason expected)
    {
        byte[] frame = Convert.FromHexString(FrameV4 + ClientPacket);
        frame[offset] = value;
        Ipv4Header.WriteChecksum(frame.AsSpan(EthernetHeader.Length, Ipv4Header.Length));

        Assert.True(expected == Decapsulate(Convert.ToHexString(frame)), what);
    }

    [Fact]
    public void A_wrong_outer_checksum_is_dropped_over_IPv6()
    {
        byte[] frame = Convert.FromHexString(FrameV6 + ClientPacket);
        frame[^1] ^= 1;

        Assert.Equal(DropReason.UdpBadChecksum, Decapsulate(Convert.ToHexString(frame)));
    }

    [Fact]
    public void Bytes_behind_the_clients_packet_are_refused()
    {
        byte[] frame = Convert.FromHexString(FrameV4 + ClientPacket + "00");
        var ip = frame.AsSpan(EthernetHeader.Length);
        ip[3]++;
        ip[25]++;
        Ipv4Header.WriteChecksum(ip[..Ipv4Header.Length]);

        Assert.Equal(DropReason.GeneveMalformed, Decapsulate(Convert.ToHexString(frame)));
    }

    [Fact]
    public void An_icmp_error_belongs_to_the_flow_that_it_quotes()
    {
        foreach (var (flow, router) in new[]
        {
            (FlowNumber(3), InetAddress.Parse("203.0.113.254")),
            (FlowNumber(3, IpProtocol.Udp), InetAddress.Parse("203.0.113.254")),
            (FlowV6, InetAddress.Parse("2001:db8:3::1")),
        })
        {
            byte[] error = IcmpError(flow, router);
            Assert.Equal(DropReason.None, PacketFlow.TryRead(Parse(error), error, out var read));
            Assert.Equal(flow, read);

            var forwarded = Single(error, ReferenceTo(flow, LanV4.Destination));
            Assert.Equal(
                DropReason.None, Encapsulation.TryDecapsulate(Parse(forwarded), forwarded, ChecksumState.Complete, A, out var inner));
            Assert.Equal(error, inner.Packet);
        }
    }

    [Fact]
    public void An_icmp_error_about_somebody_elses_packet_belongs_to_no_flow()
    {
        byte[] error = IcmpError(FlowNumber(3), InetAddress.Parse("203.0.113.254"));
        InetAddress.Parse("198.51.100.102").CopyTo(error.AsSpan(16));
        Ipv4Header.WriteChecksum(error.AsSpan(0, Ipv4Header.Length));

        Assert.Equal(DropReason.IcmpIgnored, PacketFlow.TryRead(Parse(error), error, out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void No_input_throws(int seed)
    {
        var random = new Random(seed);
        byte[] good = Convert.FromHexString(FrameV4 + ClientPacket)[EthernetHeader.Length..];
        byte[] good6 = Convert.FromHexString(FrameV6 + ClientPacket)[EthernetHeader.Length..];
        var reasons = new HashSet<DropReason>();
        for (int run = 0; run < 100_000; run++)
        {
            byte[] packet = [.. random.Next(2) == 0 ? good : good6];
            for (int change = random.Next(6); change > 0; change--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }

            packet = packet[..random.Next(packet.Length * 3 / 4, packet.Length + 1)];
            if (packet[0] == 0x45)
            {
                Ipv4Header.WriteChecksum(packet.AsSpan(0, Ipv4Header.Length));
            }

            if (IpPacket.TryParse(packet, out var layout) == DropReason.None)
            {
                reasons.Add(PacketFlow.TryRead(in layout, packet, out _));
                reasons.Add(Encapsulation.TryDecapsulate(in layout, packet, ChecksumState.Verified, A, out _));
            }
        }

        Assert.True(reasons.Count > 6, string.Join(", ", reasons));
    }

    private static DropReason Decapsulate(string frame, NodeId? member = null)
    {
        byte[] packet = Convert.FromHexString(frame)[EthernetHeader.Length..];
        return Encapsulation.TryDecapsulate(Parse(packet), packet, ChecksumState.Complete, member ?? A, out _);
    }

    private static byte[] Single(byte[] packet, Reference reference)
    {
        byte[] frame = new byte[EthernetHeader.Length + Encapsulation.MaxOverhead];
        int length = Encapsulation.WriteHeaders(frame, ReferenceCodec.Encode(in reference), 4, in LanV4, packet, 50_000);
        return [.. frame.AsSpan(EthernetHeader.Length, length - EthernetHeader.Length), .. packet];
    }
}

using System.Buffers.Binary;
using Baton.Testing;
using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class ForwarderTests
{
    private readonly byte[] _scratch = new byte[Forwarder.ScratchLength];

    [Theory]
    [InlineData(1500, false)]
    [InlineData(1500, true)]
    [InlineData(576, false)]
    [InlineData(1280, true)]
    [InlineData(9000, false)]
    public void Whatever_the_size_and_the_lans_mtu_the_owner_gets_the_packet_unchanged(int lanMtu, bool v6)
    {
        var random = new Random(lanMtu);
        var outer = v6 ? LanV6 : LanV4;
        var forwarder = new Forwarder(lanMtu, 0xFFFF_FFF0);
        for (int payload = 0; payload < 3000; payload += random.Next(1, 40))
        {
            var flow = random.Next(3) switch { 0 => FlowNumber(payload), 1 => FlowNumber(payload, IpProtocol.Udp), _ => FlowV6 };
            byte[] packet = Packet(flow, payload, random);

            var frames = Forward(forwarder, packet, FrameOffload.None, flow, outer);

            byte[] arrived = Reassemble(frames, lanMtu);
            Assert.Equal(
                DropReason.None, Encapsulation.TryDecapsulate(Parse(arrived), arrived, ChecksumState.Complete, A, out var inner));
            Assert.Equal(packet, inner.Packet);
            bool fits = packet.Length + Encapsulation.Overhead(
                ReferenceCodec.Encode(ReferenceTo(flow, outer.Destination)), outer.Destination) <= lanMtu;
            Assert.Equal(fits, frames.Count == 1);
        }

        Assert.True(forwarder.Packets > forwarder.Fragmented);
        Assert.True(forwarder.Fragmented > 0 || lanMtu > 3200);
    }

    [Fact]
    public void A_full_size_packet_that_may_not_be_fragmented_goes_in_two_outer_fragments_over_an_equal_lan()
    {
        byte[] packet = Packet(FlowNumber(1), 1460, new Random(1));

        var frames = Forward(new Forwarder(1500, 1), packet, FrameOffload.None, FlowNumber(1), LanV4);

        Assert.Equal(2, frames.Count);
        var first = Parse(frames[0].AsSpan(EthernetHeader.Length));
        var second = Parse(frames[1].AsSpan(EthernetHeader.Length));
        Assert.True(Parse(packet).DontFragment);
        Assert.False(first.DontFragment);
        Assert.Equal((true, 0, first.Identification), (first.MoreFragments, first.FragmentOffset, second.Identification));
        Assert.Equal((false, first.PayloadLength), (second.MoreFragments, second.FragmentOffset));
    }

    [Fact]
    public void A_super_segment_is_cut_before_it_is_encapsulated()
    {
        var random = new Random(5);
        byte[] super = Packet(FlowNumber(1), (20 * 1400) + 11, random);
        BinaryPrimitives.WriteUInt16BigEndian(super.AsSpan(36), TcpChecksum.Partial(
            FlowNumber(1).Tuple.RemoteAddress, FlowNumber(1).Tuple.LocalAddress, super.Length - Ipv4Header.Length));
        var offload = new FrameOffload(ChecksumState.Partial, GsoType.TcpV4, 1400);

        var frames = Forward(new Forwarder(9000, 1), super, offload, FlowNumber(1), LanV4);

        Assert.Equal(21, frames.Count);
        var stream = new List<byte>();
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(super.AsSpan(24));
        foreach (byte[] frame in frames)
        {
            byte[] arrived = frame[EthernetHeader.Length..];
            Assert.Equal(
                DropReason.None, Encapsulation.TryDecapsulate(Parse(arrived), arrived, ChecksumState.Complete, A, out var inner));
            var segment = inner.Layout.Payload(inner.Packet);
            Assert.True(TcpChecksum.Verify(inner.Layout, segment));
            Assert.Equal(sequence + (uint)stream.Count, BinaryPrimitives.ReadUInt32BigEndian(segment[4..]));
            stream.AddRange(segment[20..]);
        }

        Assert.Equal(super.AsSpan(40).ToArray(), stream);
    }

    [Fact]
    public void A_partial_checksum_is_completed()
    {
        byte[] whole = Packet(FlowNumber(1), 100, new Random(1));
        byte[] partial = [.. whole];
        BinaryPrimitives.WriteUInt16BigEndian(partial.AsSpan(36), TcpChecksum.Partial(
            FlowNumber(1).Tuple.RemoteAddress, FlowNumber(1).Tuple.LocalAddress, whole.Length - Ipv4Header.Length));

        var frames = Forward(
            new Forwarder(1500, 1), partial, new FrameOffload(ChecksumState.Partial, GsoType.None, 0), FlowNumber(1), LanV4);

        Assert.Equal(whole, Assert.Single(frames)[^whole.Length..]);
    }

    [Fact]
    public void Padding_behind_the_packet_is_not_forwarded()
    {
        byte[] packet = Packet(FlowNumber(1), 1, new Random(1));

        var frames = Forward(new Forwarder(1500, 1), [.. packet, 0, 0, 0, 0, 0], FrameOffload.None, FlowNumber(1), LanV4);

        Assert.Equal(packet, Assert.Single(frames)[^packet.Length..]);
    }

    [Fact]
    public void What_is_encapsulated_already_is_refused()
    {
        var nested = new Flow(IpProtocol.Udp, FlowNumber(1).Tuple with { LocalPort = Encapsulation.Port });
        byte[] packet = Packet(nested, 100, new Random(1));

        Assert.Equal(DropReason.AlreadyEncapsulated, TryStart(packet, hops: 4));
    }

    [Fact]
    public void A_spent_hop_count_and_a_fragment_are_refused()
    {
        byte[] packet = Packet(FlowNumber(1), 100, new Random(1));
        Assert.Equal(DropReason.HopsExhausted, TryStart(packet, Encapsulation.NextHops(1)));
        Assert.Equal(DropReason.HopsExhausted, TryStart(packet, Encapsulation.NextHops(0)));
        Assert.Equal(3, Encapsulation.NextHops(ReferenceCodec.InitialHops));

        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), 0x0001);
        Ipv4Header.WriteChecksum(packet.AsSpan(0, Ipv4Header.Length));
        Assert.Equal(DropReason.IpBadFragment, TryStart(packet, hops: 4));
    }

    [Fact]
    public void A_super_segment_that_cannot_be_cut_is_refused()
    {
        byte[] packet = Packet(FlowNumber(1), 3000, new Random(1));

        Assert.Equal(
            DropReason.SegmentationFailed, TryStart(packet, 4, new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, 1000)));
    }

    [Fact]
    public void Forwarding_and_decapsulating_allocate_nothing()
    {
        byte[] packet = Packet(FlowNumber(1), 1400, new Random(1));
        byte[] super = Packet(FlowNumber(1), 14_000, new Random(1));
        var reference = ReferenceCodec.Encode(ReferenceTo(FlowNumber(1), LanV4.Destination));
        var forwarder = new Forwarder(1500, 1);
        byte[] frame = new byte[2000];
        long bytes = 0;
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int run = 0; run < 500; run++)
            {
                bytes += Run(packet, FrameOffload.None) + Run(super, new(ChecksumState.Partial, GsoType.TcpV4, 1400));
            }
        }));
        Assert.True(bytes > 0);

        int Run(byte[] bytes, FrameOffload offload)
        {
            IpPacket.TryParse(bytes, out var layout);
            forwarder.TryStart(in layout, bytes, offload, in reference, 4, in LanV4, 50_000, _scratch, out var frames);
            int length = 0;
            while (frames.TryNext(out var next))
            {
                next.Headers.CopyTo(frame);
                next.Payload.CopyTo(frame.AsSpan(next.Headers.Length));
                length = next.Headers.Length + next.Payload.Length;
                var ip = frame.AsSpan(EthernetHeader.Length, length - EthernetHeader.Length);
                IpPacket.TryParse(ip, out var outer);
                Encapsulation.TryDecapsulate(in outer, ip, ChecksumState.Complete, A, out _);
            }

            return length;
        }
    }

    private List<byte[]> Forward(Forwarder forwarder, byte[] packet, FrameOffload offload, Flow flow, OuterAddresses outer)
    {
        var reference = ReferenceCodec.Encode(ReferenceTo(flow, outer.Destination));
        byte[] before = [.. packet];
        Assert.Equal(DropReason.None, forwarder.TryStart(
            Parse(packet), packet, offload, in reference, 4, in outer, 50_000, _scratch, out var frames));
        var list = new List<byte[]>();
        while (frames.TryNext(out var frame))
        {
            list.Add([.. frame.Headers, .. frame.Payload]);
        }

        Assert.Equal(before, packet);
        return list;
    }

    private DropReason TryStart(byte[] packet, byte hops, FrameOffload offload = default)
    {
        var reference = ReferenceCodec.Encode(ReferenceTo(FlowNumber(1), LanV4.Destination));
        return new Forwarder(1500, 1).TryStart(
            Parse(packet), packet, offload, in reference, hops, in LanV4, 50_000, _scratch, out _);
    }

    /// <summary>Puts outer fragments together as a receiver does, by their own headers only.</summary>
    private static byte[] Reassemble(List<byte[]> frames, int lanMtu)
    {
        if (frames.Count == 1)
        {
            Assert.True(frames[0].Length - EthernetHeader.Length <= lanMtu);
            return frames[0][EthernetHeader.Length..];
        }

        var data = new List<byte>();
        IpPacket last = default;
        foreach (byte[] frame in frames)
        {
            byte[] packet = frame[EthernetHeader.Length..];
            Assert.True(packet.Length <= lanMtu);
            last = Parse(packet);
            Assert.Equal(IpProtocol.Udp, last.Protocol);
            Assert.Equal(data.Count, last.FragmentOffset);
            Assert.True(!last.MoreFragments || last.PayloadLength % 8 == 0);
            data.AddRange(last.Payload(packet));
        }

        Assert.False(last.MoreFragments);
        byte[] whole = new byte[(last.Family == AddressFamily.V4 ? Ipv4Header.Length : Ipv6Header.Length) + data.Count];
        if (last.Family == AddressFamily.V4)
        {
            Ipv4Header.Write(whole, last.Source, last.Destination, IpProtocol.Udp, whole.Length);
        }
        else
        {
            Ipv6Header.Write(whole, last.Source, last.Destination, IpProtocol.Udp, data.Count);
        }

        data.CopyTo(whole, whole.Length - data.Count);
        return whole;
    }
}

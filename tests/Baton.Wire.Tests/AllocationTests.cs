using Baton.Testing;

namespace Baton.Wire.Tests;

public sealed class AllocationTests
{
    [Fact]
    public void Parsing_and_writing_allocate_nothing()
    {
        var random = new Random(1);
        var reference = ReferenceCodec.Encode(random.NextReference());
        var header = random.NextTcpHeader();
        var v4 = Packets.Tcp(random.NextAddress(AddressFamily.V4), random.NextAddress(AddressFamily.V4), in header, random.Bytes(4000));
        var v6 = Packets.Udp(random.NextAddress(AddressFamily.V6), random.NextAddress(AddressFamily.V6), 1, 2, random.Bytes(4000));
        var buffer = new byte[8192];
        var counters = new DropCounters();
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int round = 0; round < 300; round++)
            {
                Once(v4, v6, in reference, in header, buffer, counters);
            }
        }));
    }

    private static void Once(byte[] v4, byte[] v6, in EncodedReference reference, in TcpHeader header, byte[] buffer, DropCounters counters)
    {
        counters.Count(IpPacket.TryParse(v4, out var packet));
        TcpChecksum.Verify(in packet, packet.Payload(v4));
        counters.Count(TcpHeader.TryParse(packet.Payload(v4), out _, out _));
        _ = packet.FlowAtDestination().Hash(new(1, 2));
        counters.Count(IpPacket.TryParse(v6, out packet));
        counters.Count(UdpHeader.TryParse(packet.Payload(v6), out _));
        counters.Count(Segmentation.CompleteChecksum(v6));
        header.Write(buffer);
        Ipv4Header.Write(buffer, packet.Source, packet.Destination, IpProtocol.Tcp, 40);
        new EthernetHeader(default, default, EtherType.Ipv4).Write(buffer);

        counters.Count(ReferenceCodec.TryDecode(reference.Span, out _, out _, out _, out _));
        counters.Count(Segmentation.TryStart(v4, new(ChecksumState.Partial, GsoType.TcpV4, 1000), out var segments));
        while (segments.TryNext(buffer, out _))
        {
        }
    }
}

using Baton.Testing;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Datagrams of equal length that cross the stack together (UDP_SEGMENT, UDP_GRO).</summary>
public sealed class UdpBatchTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple V4 = new(Host.ServiceAddress, 53, Host.Client, 4000);
    private static readonly FourTuple V6 = new(Host.ServiceAddressV6, 53, Host.ClientV6, 4000);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_batch_leaves_as_one_frame_that_the_link_cuts_into_its_datagrams(bool v6)
    {
        var (host, endpoint) = Open(v6, uso: true);
        byte[] batch = Bytes(10 * 1200 + 17);
        Assert.Equal(UdpSendResult.Sent, endpoint.SendBatch(Start, batch, 1200));
        var frame = host.EmitOne(Start);
        Assert.Equal(new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, 1200), frame.Offload);
        Assert.Equal((11L, (long)batch.Length), (endpoint.PacketsOut, endpoint.BytesOut));

        Assert.Equal(batch.Chunk(1200), Cut(frame).Select(datagram => datagram.UdpPayload));
        host.Stack.ReleaseSent();
        AssertNothingKept(host, endpoint);
    }

    [Theory]
    [InlineData(false, 1200)]
    [InlineData(true, 1200)]
    [InlineData(false, 3000)]
    public void Where_the_link_does_not_cut_or_a_datagram_does_not_fit_each_goes_by_itself(bool v6, int length)
    {
        // 3000 bytes are more than the MTU: each datagram goes in fragments, although the link could cut.
        var (host, endpoint) = Open(v6, uso: length > 1500);
        byte[] batch = Bytes(3 * length + 5);
        Assert.Equal(UdpSendResult.Sent, endpoint.SendBatch(Start, batch, length));
        Assert.Equal((4L, (long)batch.Length), (endpoint.PacketsOut, endpoint.BytesOut));
        var frames = host.Emit(Start);
        Assert.All(frames, frame => Assert.Equal(FrameOffload.None, frame.Offload));
        if (length > 1500)
        {
            Assert.Equal(3 * 3 + 1, frames.Count);
            Assert.Equal(3 * 3, frames.Count(frame => frame.Packet.IsFragment));
        }
        else
        {
            Assert.Equal(batch.Chunk(length), frames.Select(frame => frame.UdpPayload));
        }

        AssertNothingKept(host, endpoint);
    }

    [Fact]
    public void More_than_sixty_four_datagrams_leave_as_several_frames()
    {
        var (host, endpoint) = Open(v6: false, uso: true);
        byte[] batch = Bytes(130 * 100);
        Assert.Equal(UdpSendResult.Sent, endpoint.SendBatch(Start, batch, 100));
        var frames = host.Emit(Start);
        Assert.Equal<int>([64, 64, 2], frames.Select(frame => Cut(frame).Count));
        Assert.Equal(batch.Chunk(100), frames.SelectMany(Cut).Select(datagram => datagram.UdpPayload));
    }

    [Fact]
    public void A_batch_waits_for_the_neighbour_whole()
    {
        var (host, endpoint) = Open(v6: false, uso: true, known: false);
        byte[] batch = Bytes(2400);
        endpoint.SendBatch(Start, batch, 1200);
        Assert.Equal(EtherType.Arp, host.EmitOne(Start).Link.EtherType);
        host.Receive(Start, Frames.Arp(ArpOperation.Request, Host.ClientMac, Host.Client, Host.Node));
        Assert.Equal(batch.Chunk(1200), Cut(host.Emit(Start).Single(frame => frame.Offload.Gso == GsoType.UdpL4)).Select(datagram => datagram.UdpPayload));
    }

    [Fact]
    public void What_no_datagram_could_be_is_refused()
    {
        var (_, endpoint) = Open(v6: false, uso: true);
        Assert.Equal(UdpSendResult.TooLong, endpoint.SendBatch(Start, new byte[UdpEndpoint.MaxPayload + 1], 1200));
        Assert.Throws<ArgumentOutOfRangeException>(() => endpoint.SendBatch(Start, new byte[10], 0));
        endpoint.Close();
        Assert.Equal(UdpSendResult.NotActive, endpoint.SendBatch(Start, new byte[2400], 1200));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_super_segment_that_comes_is_its_datagrams_and_makes_the_endpoint_too(bool v6)
    {
        var host = Host.AtHome();
        byte[] batch = Bytes(3 * 1000 + 1);
        Assert.Equal(DropReason.None, host.Receive(Start, Super(v6 ? V6 : V4, batch, 1000)));
        var endpoint = Assert.IsType<UdpEndpoint>(host.Created);
        Assert.Equal((4, 4L), (endpoint.WaitingDatagrams, endpoint.PacketsIn));
        Assert.Equal(DropReason.None, host.Receive(Start, Super(v6 ? V6 : V4, batch, 1000)));
        byte[] one = new byte[2000];
        Assert.True(endpoint.TryReceive(one, out int length, out _, out _));
        Assert.Equal(batch[..1000], one[..length]);
        Assert.Equal(7, endpoint.WaitingDatagrams);
        endpoint.Close();
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void Equal_datagrams_of_one_sender_are_read_together_up_to_a_shorter_one()
    {
        var host = Host.AtHome();
        foreach (int length in (ReadOnlySpan<int>)[100, 100, 40, 100, 101, 0, 0])
        {
            host.Receive(Start, Frames.Udp(V4, Bytes(length)));
        }

        var endpoint = (UdpEndpoint)host.Stack.Find(new Flow(IpProtocol.Udp, V4))!;
        Assert.Equal<(int, int)>([(240, 100), (100, 100), (101, 101), (0, 0), (0, 0)], ReadAll(endpoint, 1000));

        host.Receive(Start, Super(V4, Bytes(1000), 100));
        Assert.Equal<(int, int)>([(300, 100), (300, 100), (300, 100), (100, 100)], ReadAll(endpoint, 350));
        host.Receive(Start, Super(V4, Bytes(300), 100));
        Assert.Equal<(int, int)>([(50, 50), (50, 50), (50, 50)], ReadAll(endpoint, 50));
    }

    [Fact]
    public void The_queues_bounds_hold_for_each_datagram_of_a_super_segment()
    {
        var host = Host.AtHome(new StackLimits { DatagramsPerEndpoint = 3 });
        Assert.Equal(DropReason.ReceiveQueueFull, host.Receive(Start, Super(V4, Bytes(500), 100)));
        var endpoint = (UdpEndpoint)host.Created!;
        Assert.Equal((3, 2L), (endpoint.WaitingDatagrams, endpoint.Overflows));
        Assert.Equal(2, host.Stack.Drops[DropReason.ReceiveQueueFull]);
    }

    [Fact]
    public void Batches_cost_no_memory_after_warm_up()
    {
        var (host, endpoint) = Open(v6: false, uso: true, diagnostic: false);
        byte[] batch = Bytes(20 * 1200);
        byte[] destination = new byte[batch.Length];
        byte[] scratch = new byte[host.Stack.ScratchLength];
        var packet = Super(V4, batch, 1200);
        byte[] bytes = packet.PacketBytes;
        IpPacket.TryParse(bytes, out var parsed);
        int frames = 0;
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                endpoint.SendBatch(Start, batch, 1200);
                while (host.Stack.TryEmit(Start, scratch, out _))
                {
                    frames++;
                }

                host.Stack.ReleaseSent();
                host.Stack.OnServicePacket(Start, endpoint, parsed, bytes, packet.Offload);
                while (endpoint.TryReceiveBatch(destination, out _, out _, out _, out _))
                {
                }
            }
        }));
        Assert.True(frames > 0 && frames % 200 == 0);
    }

    private static (Host Host, UdpEndpoint Endpoint) Open(bool v6, bool uso, bool known = true, bool diagnostic = true)
    {
        var host = new Host(Host.Node, Host.NodeMac, isHome: true, offloads: uso, diagnostic: diagnostic);
        if (known)
        {
            host.Knowing(v6 ? Host.ClientV6 : Host.Client, Host.ClientMac);
        }

        host.Receive(Start, Frames.Udp(v6 ? V6 : V4, 1));
        var endpoint = (UdpEndpoint)host.Created!;
        endpoint.TryReceive(new byte[1], out _, out _, out _);
        return (host, endpoint);
    }

    /// <summary>As a kernel gives what its UDP_SEGMENT made: one header, and the pseudo-header's sum for the whole length.</summary>
    private static Frame Super(FourTuple atServer, byte[] payload, ushort segmentSize)
    {
        var frame = Frames.Udp(atServer, payload);
        return frame with { Offload = new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, segmentSize) };
    }

    private static List<Frame> Cut(Frame frame)
    {
        Assert.Equal(
            DropReason.None,
            Segmentation.TryStart(frame.Bytes, default, default, frame.Offload, EthernetHeader.Length, out var segments));
        var all = new List<Frame>();
        byte[] one = new byte[segments.MaxPacketLength];
        while (segments.TryNext(one, out int length))
        {
            all.Add(new Frame(one[..length]));
        }

        return all;
    }

    private static List<(int Length, int SegmentSize)> ReadAll(UdpEndpoint endpoint, int capacity)
    {
        var all = new List<(int, int)>();
        while (endpoint.TryReceiveBatch(new byte[capacity], out int length, out int segmentSize, out _, out _))
        {
            all.Add((length, segmentSize));
        }

        return all;
    }

    private static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 >> 2))];

    private static void AssertNothingKept(Host host, UdpEndpoint endpoint)
    {
        endpoint.Close();
        host.Pool.AssertNoneLent();
    }
}

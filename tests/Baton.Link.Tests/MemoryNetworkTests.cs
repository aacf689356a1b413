using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class MemoryNetworkTests
{
    private static readonly FaultProfile s_bad = new()
    {
        Loss = 0.05,
        Duplication = 0.05,
        Corruption = 0.05,
        Reordering = 0.05,
        Delay = TimeSpan.FromMilliseconds(1),
        Jitter = TimeSpan.FromMilliseconds(2),
        Bandwidth = 100_000_000,
    };

    [Fact]
    public void A_frame_goes_to_the_port_of_its_address_only()
    {
        var net = new Three();

        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal((0, 1, 0), (net.A.Waiting, net.B.Waiting, net.C.Waiting));
    }

    [Fact]
    public void A_broadcast_goes_to_all_others()
    {
        var net = new Three();

        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, MacAddress.Broadcast, 1), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal((0, 1, 1), (net.A.Waiting, net.B.Waiting, net.C.Waiting));
    }

    [Fact]
    public void The_switch_learns_where_an_address_moved_to()
    {
        var net = new Three();
        var roaming = new MacAddress(0x02_00_00_00_00_77);
        net.C.TrySend(FrameOffload.None, Frames.Numbered(roaming, MacAddress.Broadcast, 1), default);
        net.Network.Deliver(Instant.Zero);

        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, roaming, 2), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal([2], Three.Take(net.C));
        Assert.Equal([1], Three.Take(net.B));
    }

    [Fact]
    public void A_frame_arrives_after_the_delay_of_both_cables_and_not_before()
    {
        var net = new Three(new FaultProfile { Delay = TimeSpan.FromMilliseconds(2) });
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1), default);

        var due = Instant.Zero + TimeSpan.FromMilliseconds(4);
        net.Network.Deliver(net.Network.NextDelivery);
        Assert.Equal(due, net.Network.NextDelivery);
        net.Network.Deliver(due - TimeSpan.FromTicks(1));
        Assert.Equal(0, net.B.Waiting);
        net.Network.Deliver(due);
        Assert.Equal(1, net.B.Waiting);
    }

    [Fact]
    public void Bandwidth_spaces_frames_and_its_queue_is_bounded()
    {
        // 8 Mbit/s: 1000 bytes take 1 ms. The queue holds 3 ms.
        var net = new Three();
        net.A.Faults = new FaultProfile { Bandwidth = 8_000_000, QueueBytes = 3000 };
        for (int i = 0; i < 10; i++)
        {
            net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, i, length: 1000), default);
        }

        var arrivals = net.DeliverAll(net.B);

        Assert.Equal([(1.0, 0), (2.0, 1), (3.0, 2), (4.0, 3)], arrivals);
        Assert.Equal(6, net.A.OutgoingFaults.Overflowed);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_seed_another()
    {
        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
    }

    [Fact]
    public void Every_kind_of_fault_happens_about_as_often_as_asked()
    {
        var net = new Three(s_bad);
        Run(net);

        var faults = net.A.OutgoingFaults;
        Assert.Equal(5000, faults.Frames);
        Assert.All([faults.Lost, faults.Duplicated, faults.Corrupted, faults.Reordered], count => Assert.InRange(count, 180, 320));
    }

    [Fact]
    public void An_unplugged_link_gives_and_takes_nothing()
    {
        var net = new Three();
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1), default);
        net.B.IsPluggedIn = false;
        net.Network.Deliver(Instant.Zero);
        net.B.TrySend(FrameOffload.None, Frames.Numbered(Frames.B, Frames.A, 2), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal((0, 0, 2), (net.A.Waiting, net.B.Waiting, net.B.Counters.Unplugged));
    }

    [Fact]
    public void A_filter_decides_port_by_port()
    {
        var net = new Three();
        net.Network.Filter = (_, to, frame) => to != net.C || Frames.NumberOf(frame) != 1;
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, MacAddress.Broadcast, 1), default);
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, MacAddress.Broadcast, 2), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal([1, 2], Three.Take(net.B));
        Assert.Equal([2], Three.Take(net.C));
    }

    [Fact]
    public void A_frame_longer_than_the_mtu_is_dropped_and_counted()
    {
        var net = new Three();
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1, length: 14 + 1501), default);
        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 2, length: 14 + 1500), default);
        net.Network.Deliver(Instant.Zero);

        Assert.Equal([2], Three.Take(net.B));
        Assert.Equal(1, net.A.Counters.WrongLength);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_super_frame_reaches_a_link_without_offload_as_whole_packets(bool carried)
    {
        var net = new Three(carried: carried);
        byte[] frame = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 4000, TcpFlags.Ack | TcpFlags.Psh));
        net.A.TrySend(new FrameOffload(ChecksumState.Partial, GsoType.TcpV4, 1460), frame.AsSpan(0, 54), frame.AsSpan(54, 1000), frame.AsSpan(1054));
        net.Network.Deliver(Instant.Zero);
        var inbox = new Inbox();
        net.B.Receive(inbox, 10);

        Assert.Equal([1514, 1514, 54 + 1080], inbox.Received.Select(r => r.Frame.Length));
        Assert.All(inbox.Received, r => Assert.Equal(FrameOffload.None, r.Offload));
        Assert.All(inbox.Received, r => Assert.True(Frames.HasRightChecksum(r.Frame)));
        Assert.Equal(frame[54..], inbox.Received.SelectMany(r => r.Frame[54..]).ToArray());
    }

    [Fact]
    public void A_partial_checksum_is_completed_for_a_link_that_does_not_take_it()
    {
        var net = new Three();
        byte[] frame = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 100));
        Assert.False(Frames.HasRightChecksum(frame));
        net.A.TrySend(new FrameOffload(ChecksumState.Partial, GsoType.None, 0), frame, default);
        net.Network.Deliver(Instant.Zero);
        var inbox = new Inbox();
        net.B.Receive(inbox, 1);

        Assert.Equal(ChecksumState.Complete, inbox.Received[0].Offload.Checksum);
        Assert.True(Frames.HasRightChecksum(inbox.Received[0].Frame));
    }

    [Fact]
    public void A_corrupted_segment_never_has_a_right_checksum()
    {
        var net = new Three(new FaultProfile { Corruption = 1 });
        net.B.Faults = FaultProfile.Perfect;
        byte[] frame = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 100));
        byte[] right = Frames.Tcp(Frames.A, Frames.B, 100);
        var inbox = new Inbox();
        for (int i = 0; i < 200; i++)
        {
            net.A.TrySend(new FrameOffload(ChecksumState.Partial, GsoType.None, 0), frame, default);
            net.Network.Deliver(Instant.Zero);
            net.B.Receive(inbox, 1);
        }

        Assert.Equal(200, inbox.Received.Count);
        Assert.All(inbox.Received, r => Assert.Equal(1, DifferentBits(r.Frame, right)));
    }

    [Fact]
    public void Every_buffer_comes_back()
    {
        var pool = new BufferPool(64 << 20, diagnostic: true);
        var net = new Three(s_bad, pool: pool);
        Run(net);
        Assert.True(pool.Lent == 0, $"{pool.Lent} lent");

        net.A.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, MacAddress.Broadcast, 1), default);
        net.Network.Deliver(Instant.Never);
        net.B.Dispose();
        net.C.Dispose();
        pool.AssertNoneLent();
    }

    [Fact]
    public void Nothing_is_allocated_per_frame_after_warm_up()
    {
        var net = new Three(new FaultProfile { Loss = 0.01, Delay = TimeSpan.FromMilliseconds(1), Duplication = 0.01 });
        byte[] frame = Frames.Numbered(Frames.A, Frames.B, 1, 1000);
        var sink = new Sink();
        Rounds(5000);
        Assert.Equal(0, Allocation.Steady(() => Rounds(1000)));

        void Rounds(int count)
        {
            for (int i = 0; i < count; i++)
            {
                net.A.TrySend(FrameOffload.None, frame, default);
                net.Network.Deliver(net.Network.Now + TimeSpan.FromMicroseconds(100));
                net.B.Receive(sink, 10);
            }
        }
    }

    private static int DifferentBits(byte[] left, byte[] right) => left.Zip(right, (a, b) => int.PopCount(a ^ b)).Sum();

    private static List<(double, int)> Run(ulong seed) => Run(new Three(s_bad, seed: seed));

    private static List<(double, int)> Run(Three net)
    {
        for (int i = 0; i < 5000; i++)
        {
            net.A.TrySend(FrameOffload.None, Frames.Tcp(Frames.A, Frames.B, i % 7), default);
            net.Network.Deliver(net.Network.Now + TimeSpan.FromMicroseconds(50));
        }

        return net.DeliverAll(net.B);
    }

    private sealed class Sink : IFrameReceiver
    {
        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
        {
        }
    }

    /// <summary>A switch with three links.</summary>
    private sealed class Three
    {
        public Three(FaultProfile? faults = null, ulong seed = 1, bool carried = false, BufferPool? pool = null)
        {
            Network = new MemoryNetwork(seed, pool) { CarriesSuperFrames = carried };
            A = Attach("a", Frames.A, faults);
            B = Attach("b", Frames.B, faults);
            C = Attach("c", Frames.C, faults);
        }

        public MemoryNetwork Network { get; }

        public MemoryLink A { get; }

        public MemoryLink B { get; }

        public MemoryLink C { get; }

        public static List<int> Take(MemoryLink link)
        {
            var inbox = new Inbox();
            link.Receive(inbox, int.MaxValue);
            return [.. inbox.Numbers];
        }

        /// <summary>Lets everything arrive: milliseconds and number of each frame that one link got.</summary>
        public List<(double, int)> DeliverAll(MemoryLink link)
        {
            List<(double, int)> arrivals = [.. Take(link).Select(number => (Network.Now.Ticks / 1e4, number))];
            while (Network.NextDelivery != Instant.Never)
            {
                Network.Deliver(Network.NextDelivery);
                arrivals.AddRange(Take(link).Select(number => (Network.Now.Ticks / 1e4, number)));
            }

            return arrivals;
        }

        private MemoryLink Attach(string name, MacAddress address, FaultProfile? faults) =>
            Network.Attach(new MemoryLinkOptions { Name = name, Address = address, InboxFrames = 10_000, Faults = faults ?? FaultProfile.Perfect });
    }
}

using Baton.Wire;

namespace Baton.Tcp.Tests;

public class BbrTests(ITestOutputHelper output)
{
    private static readonly TcpSettings Settings = TcpSettings.Default with
    {
        SendBufferLimit = 64 * 1024 * 1024, ReceiveBufferLimit = 64 * 1024 * 1024, Congestion = CongestionAlgorithm.Bbr,
    };

    [Fact]
    public void A_loss_in_a_thousand_segments_does_not_keep_a_long_fat_path_from_being_filled()
    {
        var path = new PathModel { Rate = 1e9, RoundTrip = TimeSpan.FromMilliseconds(100), Queue = 12_500_000, Loss = 0.001 };
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(3));
        long before = flow.Received;
        bottleneck.RunFor(TimeSpan.FromSeconds(5));
        double rate = (flow.Received - before) * 8 / 5.0;
        output.WriteLine($"1 Gbit/s, 100 ms, 0.1 % loss: {rate / 1e6:F0} Mbit/s, {flow.Sender.Counters.RetransmissionTimeouts} timeouts, {flow.Sender.Statistics.SmoothedRtt.TotalMilliseconds:F0} ms");
        Assert.True(rate > 800e6, $"{rate}");
        Assert.Equal(0, flow.Sender.Counters.RetransmissionTimeouts);

        // Each loss is repeated once, and none is taken for a spurious one.
        Assert.InRange(flow.Sender.Counters.SegmentsRetransmitted, bottleneck.Lost / 2, bottleneck.Lost);
        Assert.Equal(0, flow.Sender.Counters.SpuriousLosses);
    }

    [Fact]
    public void A_bloated_queue_stays_nearly_empty_while_the_link_is_full()
    {
        var path = new PathModel { Rate = 10e6, RoundTrip = TimeSpan.FromMilliseconds(40), Queue = 1_250_000 };
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(5));
        long before = flow.Received;
        var longest = TimeSpan.Zero;
        for (int i = 0; i < 250; i++)
        {
            bottleneck.RunFor(TimeSpan.FromMilliseconds(100));
            longest = flow.Sender.Statistics.SmoothedRtt > longest ? flow.Sender.Statistics.SmoothedRtt : longest;
        }

        double rate = (flow.Received - before) * 8 / 25.0;
        output.WriteLine($"10 Mbit/s, 40 ms, queue of 1 s: {rate / 1e6:F2} Mbit/s, round trip at most {longest.TotalMilliseconds:F0} ms");
        Assert.True(rate > 8.5e6, $"{rate}");
        Assert.True(longest < TimeSpan.FromMilliseconds(60), $"{longest}");
        Assert.Equal(0, bottleneck.Dropped);
    }

    [Fact]
    public void Two_flows_share_a_bottleneck_within_a_fifth_once_both_have_probed_a_few_times()
    {
        var path = new PathModel { Rate = 50e6, RoundTrip = TimeSpan.FromMilliseconds(20), Queue = 375_000 };
        var bottleneck = new Bottleneck(path, seed: 5);
        var first = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(1));
        var second = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(60));
        (long a, long b) = (first.Received, second.Received);
        bottleneck.RunFor(TimeSpan.FromSeconds(60));
        (a, b) = (first.Received - a, second.Received - b);
        output.WriteLine($"two flows: {a * 8 / 60e6:F1} and {b * 8 / 60e6:F1} Mbit/s, {bottleneck.Dropped} dropped");
        Assert.InRange(a / (double)b, 0.8, 1.25);
        Assert.True((a + b) * 8 / 60.0 > 45e6);
    }

    [Fact]
    public void A_slower_path_is_noticed_and_no_storm_follows()
    {
        var path = new PathModel { Rate = 2e6, RoundTrip = TimeSpan.FromMilliseconds(30), Queue = 20_000, Loss = 0.05 };
        var bottleneck = new Bottleneck(path, seed: 3);
        var flow = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(60));
        var counters = flow.Sender.Counters;
        output.WriteLine($"2 Mbit/s, 5 % loss, queue of 80 ms: {flow.Received * 8 / 60e6:F2} Mbit/s, {counters.BytesRetransmitted / (double)counters.BytesSent:P1} sent again");
        Assert.True(flow.Received * 8 / 60.0 > 1.4e6);
        Assert.InRange(counters.BytesRetransmitted / (double)counters.BytesSent, 0, 0.15);
    }

    [Fact]
    public void The_round_trip_is_probed_every_ten_seconds_with_four_segments_in_flight()
    {
        var path = new PathModel { Rate = 10e6, RoundTrip = TimeSpan.FromMilliseconds(40), Queue = 1_250_000 };
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(Settings);
        int probes = 0;
        bool probing = false;
        for (int i = 0; i < 4500; i++)
        {
            bottleneck.RunFor(TimeSpan.FromMilliseconds(10));
            var bbr = (Bbr)flow.Sender.Sender.Congestion;
            bool now = bbr.Mode == BbrMode.ProbeRoundTrip;
            probes += now && !probing ? 1 : 0;
            probing = now;
            Assert.True(!now || bbr.Window <= 4 * flow.Sender.Statistics.Mss);
        }

        Assert.InRange(probes, 3, 5);
    }

    [Fact]
    public void The_model_moves_with_the_connection()
    {
        var path = new PathModel { Rate = 10e6, RoundTrip = TimeSpan.FromMilliseconds(40), Queue = 1_250_000 };
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(Settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(5));
        var connection = flow.Sender;
        connection.Freeze(bottleneck.Now);
        double rate = connection.Sender.Congestion.PacingRate(TimeSpan.Zero);
        Assert.InRange(rate, 0.7e6, 1.6e6);
        Assert.True(TcpConnection.TryRestore(connection.ToImage(bottleneck.Now), TcpSettings.Default, Instant.Zero + TimeSpan.FromDays(9), out var moved));
        Assert.Equal((CongestionAlgorithm.Bbr, (long)rate), (moved.Congestion, (long)moved.Sender.Congestion.PacingRate(TimeSpan.Zero)));
        Assert.Equal(((Bbr)connection.Sender.Congestion).Mode, ((Bbr)moved.Sender.Congestion).Mode);
    }
}

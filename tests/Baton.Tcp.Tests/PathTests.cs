namespace Baton.Tcp.Tests;

public class PathTests(ITestOutputHelper output)
{
    private static readonly TcpSettings Large = TcpSettings.Default with
    {
        SendBufferLimit = 32 * 1024 * 1024, ReceiveBufferLimit = 32 * 1024 * 1024,
    };

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    public void A_long_fat_path_with_a_loss_in_a_thousand_segments(CongestionAlgorithm algorithm)
    {
        // The response functions allow no more: Reno's 1.22 / sqrt(p) segments a round trip are 4.5 Mbit/s, and with so short
        // a time between losses CUBIC is in its Reno-friendly region (RFC 9438 §4.3).
        var path = new PathModel { Rate = 1e9, RoundTrip = TimeSpan.FromMilliseconds(100), Queue = 4_000_000, Loss = 0.001 };
        var (goodput, flow, _) = Run(path, Large with { Congestion = algorithm }, TimeSpan.FromSeconds(20));
        output.WriteLine($"1 Gbit/s, 100 ms, 0.1 % loss, {algorithm}: {goodput / 1e6:F1} Mbit/s, {flow.Sender.Counters.RetransmissionTimeouts} timeouts");
        Assert.True(goodput > 4e6, $"{goodput}");
        Assert.InRange(flow.Sender.Counters.BytesRetransmitted, 0, flow.Received / 100);
        Assert.Equal(0, flow.Sender.Counters.RetransmissionTimeouts);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    public void A_long_fat_path_without_loss_is_filled(CongestionAlgorithm algorithm)
    {
        var path = new PathModel { Rate = 1e9, RoundTrip = TimeSpan.FromMilliseconds(100), Queue = 8_000_000 };
        var (goodput, flow, dropped) = Run(path, Large with { Congestion = algorithm }, TimeSpan.FromSeconds(4));
        output.WriteLine($"1 Gbit/s, 100 ms, no loss, {algorithm}: {goodput / 1e6:F1} Mbit/s, {dropped} dropped, {flow.Sender.Counters.RetransmissionTimeouts} timeouts");
        Assert.True(goodput > 300e6, $"{goodput}");
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    public void A_path_with_a_bloated_queue_is_filled(CongestionAlgorithm algorithm)
    {
        var path = new PathModel { Rate = 10e6, RoundTrip = TimeSpan.FromMilliseconds(40), Queue = 1_250_000 };
        var (goodput, flow, dropped) = Run(path, Large with { Congestion = algorithm }, TimeSpan.FromSeconds(30));
        output.WriteLine(
            $"10 Mbit/s, 40 ms, queue of 1 s, {algorithm}: {goodput / 1e6:F2} Mbit/s, {dropped} dropped, round trip {flow.Sender.Statistics.SmoothedRtt.TotalMilliseconds:F0} ms");
        Assert.True(goodput > 8.5e6, $"{goodput}");
        Assert.True(flow.Sender.Counters.BytesRetransmitted < flow.Received / 5, "storm");
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    public void Two_flows_share_a_bottleneck_within_a_fifth(CongestionAlgorithm algorithm)
    {
        var path = new PathModel { Rate = 50e6, RoundTrip = TimeSpan.FromMilliseconds(20), Queue = 125_000 };
        var bottleneck = new Bottleneck(path, seed: 5);
        var first = bottleneck.Start(Large with { Congestion = algorithm });
        bottleneck.RunFor(TimeSpan.FromSeconds(1));
        var second = bottleneck.Start(Large with { Congestion = algorithm });
        bottleneck.RunFor(TimeSpan.FromSeconds(15));
        (long a, long b) = (first.Received, second.Received);
        bottleneck.RunFor(TimeSpan.FromSeconds(60));
        (a, b) = (first.Received - a, second.Received - b);
        output.WriteLine($"two flows, {algorithm}: {a * 8 / 60e6:F1} and {b * 8 / 60e6:F1} Mbit/s");
        Assert.InRange(a / (double)b, 0.8, 1.25);
        Assert.True((a + b) * 8 / 60.0 > 45e6);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    public void Where_routers_mark_nothing_is_lost_and_the_link_stays_full(CongestionAlgorithm algorithm)
    {
        // RFC 3168 §6.1.2.
        var path = new PathModel { Rate = 20e6, RoundTrip = TimeSpan.FromMilliseconds(20), Queue = 500_000, MarkFrom = 40_000 };
        var (goodput, flow, dropped) = Run(path, Large with { Congestion = algorithm, Ecn = EcnMode.Request }, TimeSpan.FromSeconds(20));
        var counters = flow.Sender.Counters;
        output.WriteLine($"marks, {algorithm}: {goodput / 1e6:F2} Mbit/s, {counters.EcnReductions} reductions");
        Assert.Equal((0L, 0), (dropped, counters.SegmentsRetransmitted));
        Assert.InRange(counters.EcnReductions, 2, 1000);
        Assert.True(goodput > 17e6, $"{goodput}");
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.05)]
    [InlineData(0.1)]
    [InlineData(0.2)]
    [InlineData(0.3)]
    public void Random_loss_slows_down_and_never_makes_a_storm(double loss)
    {
        var path = new PathModel { Rate = 20e6, RoundTrip = TimeSpan.FromMilliseconds(20), Queue = 100_000, Loss = loss };
        var (goodput, flow, _) = Run(path, TcpSettings.Default, TimeSpan.FromSeconds(20));
        var counters = flow.Sender.Counters;
        double ratio = counters.BytesRetransmitted / (double)counters.BytesSent;
        output.WriteLine($"{loss:P0} loss: {goodput / 1e6:F2} Mbit/s, {ratio:P1} sent again, {counters.RetransmissionTimeouts} timeouts");
        Assert.True(flow.Received > 20_000, $"{flow.Received}");
        Assert.InRange(ratio, 0, (loss * 1.5) + 0.03);
    }

    private static (double Goodput, Bottleneck.Flow Flow, long Dropped) Run(PathModel path, TcpSettings settings, TimeSpan time)
    {
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(settings);
        bottleneck.RunFor(time);
        return (flow.Received * 8 / time.TotalSeconds, flow, bottleneck.Dropped);
    }
}

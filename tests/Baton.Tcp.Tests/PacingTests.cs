namespace Baton.Tcp.Tests;

public class PacingTests(ITestOutputHelper output)
{
    [Fact]
    public void What_the_window_lets_go_is_spread_over_the_round_trip()
    {
        var s = new Script(TcpSettings.Default with { Timestamps = false, Pacing = true });
        s.In("S", 0, mss: 1460);
        s.Out("S.");
        s.At(100);
        s.In(".", 1, ack: 1);
        s.Write(14_600);
        Assert.Single(s.OutAll());
        s.At(150);
        Assert.InRange(s.OutAll().Count, 6, 9);
        s.At(199);
        Assert.InRange(s.OutAll().Count, 0, 3);
    }

    [Fact]
    public void A_paced_connection_that_is_closed_wants_nothing_more()
    {
        var s = new Script(TcpSettings.Default with { Timestamps = false, Pacing = true });
        s.In("S", 0, mss: 1460);
        s.Out("S.");
        s.At(100);
        s.In(".", 1, ack: 1);
        s.Write(14_600);
        s.Do(c => c.Abort(s.Now));
        Assert.Equal(Baton.Wire.Instant.Never, s.Connection.NextDeadline);
    }

    [Fact]
    public void Paced_a_path_with_a_small_queue_is_filled_better()
    {
        var path = new PathModel { Rate = 100e6, RoundTrip = TimeSpan.FromMilliseconds(50), Queue = 60_000 };
        double[] rates = [.. new[] { false, true }.Select(paced =>
        {
            var bottleneck = new Bottleneck(path, seed: 2);
            var flow = bottleneck.Start(TcpSettings.Default with { Pacing = paced });
            bottleneck.RunFor(TimeSpan.FromSeconds(10));
            output.WriteLine($"paced {paced}: {flow.Received * 8 / 10e6:F1} Mbit/s, {bottleneck.Dropped} dropped");
            return flow.Received * 8 / 10.0;
        })];
        Assert.True(rates[1] > 1.2 * rates[0]);
    }
}

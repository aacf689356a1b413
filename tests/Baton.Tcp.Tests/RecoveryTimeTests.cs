using Baton.Wire;

namespace Baton.Tcp.Tests;

/// <summary>How many round trips after it was sent a lost segment is there: what RACK (RFC 8985) and PRR (RFC 6937) let expect.</summary>
public class RecoveryTimeTests(ITestOutputHelper output)
{
    private const double RoundTrip = 0.1;

    // Segments that arrive before the first loss, so that it is amid what leaves at once.
    private const int Ahead = 30;

    // What the queue and the segments' own time on the link take, and the steps in which the test looks.
    private const double Slack = 0.15;

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void One_loss_is_mended_with_the_round_trip_that_tells_of_it(CongestionAlgorithm algorithm)
    {
        // Half a round trip until the next segment's SACK leaves, half until it arrives, half for the repetition: three segments
        // past the gap are enough (RFC 8985 §6.2, step 4).
        double taken = Measure(algorithm, segments: 1, times: 1);
        Assert.InRange(taken, 1.5, 1.5 + Slack);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void A_burst_of_losses_is_mended_within_one_round_trip_of_recovery(CongestionAlgorithm algorithm)
    {
        // PRR lets a share of what arrives leave: all of the burst has gone again before the window's end is acknowledged.
        double taken = Measure(algorithm, segments: 20, times: 1);
        Assert.InRange(taken, 1.5, 2.5 + Slack);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void A_lost_repetition_costs_a_round_trip_and_the_reordering_window_more(CongestionAlgorithm algorithm)
    {
        // Without RACK a timeout would come: here 1 s.
        double taken = Measure(algorithm, segments: 1, times: 2);
        Assert.InRange(taken, 2.5, 2.5 + 0.25 + Slack);
    }

    /// <summary>Round trips from the first loss until the receiver has all of what was lost.</summary>
    private double Measure(CongestionAlgorithm algorithm, int segments, int times)
    {
        var path = new PathModel { Rate = 1e9, RoundTrip = TimeSpan.FromSeconds(RoundTrip), Queue = 12_500_000 };
        var settings = TcpSettings.Default with
        {
            Congestion = algorithm, MinRto = TimeSpan.FromSeconds(1), SendBufferLimit = 8 << 20, ReceiveBufferLimit = 8 << 20,
        };
        var bottleneck = new Bottleneck(path, seed: 1);
        var flow = bottleneck.Start(settings);
        bottleneck.RunFor(TimeSpan.FromSeconds(0.65));
        var left = new Dictionary<long, int>();
        Instant? first = null;
        int passed = 0;
        bottleneck.Drops = position =>
        {
            if (left.Count < segments && ++passed > Ahead)
            {
                left.TryAdd(position, times);
            }

            if (!left.TryGetValue(position, out int rest) || rest == 0)
            {
                return false;
            }

            first ??= bottleneck.Now;
            left[position] = rest - 1;
            return true;
        };
        while (left.Count < segments || flow.Received <= left.Keys.Max())
        {
            bottleneck.RunFor(TimeSpan.FromMilliseconds(1));
            Assert.True(first is null || bottleneck.Now - first.Value < TimeSpan.FromSeconds(2), "never mended");
        }

        double taken = (bottleneck.Now - first!.Value).TotalSeconds / RoundTrip;
        output.WriteLine($"{algorithm}, {segments} lost {times} times: {taken:F2} round trips");
        Assert.All(left.Values, rest => Assert.Equal(0, rest));
        Assert.Equal(0, flow.Sender.Counters.RetransmissionTimeouts);
        return taken;
    }
}

using Baton.Wire;

namespace Baton.Tcp.Tests;

public class CubicTests
{
    private const int Mss = 1000;

    [Fact]
    public void A_loss_leaves_seven_tenths_and_the_window_returns_after_k_seconds()
    {
        // RFC 9438 §4.2: K = cbrt((W_max - cwnd_epoch) / C) = cbrt(300 / 0.4) = 9.09 s.
        var path = new Path(window: 1000, TimeSpan.FromMilliseconds(100));
        path.Lose();
        Assert.Equal(700_000, path.Congestion.Window);
        path.RunTo(TimeSpan.FromSeconds(4.5));
        Assert.InRange(path.Congestion.Window, 955_000, 975_000); // W_max - 0.4 * 4.59^3
        path.RunTo(TimeSpan.FromSeconds(9.1));
        Assert.InRange(path.Congestion.Window, 995_000, 1_003_000);
        path.RunTo(TimeSpan.FromSeconds(13.6));
        Assert.InRange(path.Congestion.Window, 1_030_000, 1_050_000);
    }

    [Fact]
    public void Less_than_before_makes_room_for_a_newcomer()
    {
        // RFC 9438 §4.7: the second loss comes below W_max, so the next W_max is 0.85 of the window.
        var path = new Path(window: 1000, TimeSpan.FromMilliseconds(100));
        path.Lose();
        path.Lose();
        path.RunTo(TimeSpan.FromSeconds(5));
        var other = new Path(window: 1000, TimeSpan.FromMilliseconds(100));
        other.Lose();
        other.RunTo(TimeSpan.FromSeconds(5));
        Assert.InRange(path.Congestion.Window, 590_000, 596_000);
        Assert.True(path.Congestion.Window < other.Congestion.Window);
    }

    [Fact]
    public void With_a_short_round_trip_it_grows_as_reno_does()
    {
        // RFC 9438 §4.3: alpha = 3 * 0.3 / 1.7 = 0.53 segments a round trip, up to W_max.
        var path = new Path(window: 20, TimeSpan.FromMilliseconds(10));
        path.Lose();
        path.RunTo(TimeSpan.FromMilliseconds(102));
        Assert.InRange(path.Congestion.Window, 18_000, 20_000);
    }

    [Fact]
    public void Time_in_which_the_window_is_not_used_is_no_time_on_the_curve()
    {
        // RFC 9438 §5.8.
        var path = new Path(window: 1000, TimeSpan.FromMilliseconds(100));
        path.Lose();
        path.RunTo(TimeSpan.FromSeconds(1));
        int before = path.Congestion.Window;
        path.RunTo(TimeSpan.FromSeconds(11), used: false);
        Assert.Equal(before, path.Congestion.Window);
        path.RunTo(TimeSpan.FromSeconds(12));
        Assert.InRange(path.Congestion.Window, before, 860_000);
    }

    [Fact]
    public void A_reduction_taken_back_is_forgotten()
    {
        var path = new Path(window: 1000, TimeSpan.FromMilliseconds(100));
        path.Lose();
        path.Congestion.Undo();
        Assert.Equal(1_000_000, path.Congestion.Window);
        path.RunTo(TimeSpan.FromSeconds(1));
        Assert.True(path.Congestion.Window >= 1_000_000);
    }

    [Fact]
    public void A_round_trip_that_grows_ends_the_first_slow_start()
    {
        // RFC 9406 §4.2: with 4 ms more than in the round before growth is a quarter, for five rounds.
        var path = new Path(window: 10, TimeSpan.FromMilliseconds(20), slowStart: true);
        path.RunTo(TimeSpan.FromMilliseconds(60));
        int doubled = path.Congestion.Window;
        Assert.Equal(80_000, doubled);
        path.RoundTrip = TimeSpan.FromMilliseconds(30);
        path.RunTo(TimeSpan.FromMilliseconds(90));
        Assert.InRange(path.Congestion.Window, doubled, doubled * 3 / 2);
        Assert.Equal(CongestionControl.MaxWindow, path.Congestion.Threshold);
        path.RunTo(TimeSpan.FromMilliseconds(400));
        Assert.True(path.Congestion.Threshold < 500_000);
    }

    [Fact]
    public void A_steady_round_trip_lets_slow_start_go_on()
    {
        var path = new Path(window: 10, TimeSpan.FromMilliseconds(20), slowStart: true);
        path.RunTo(TimeSpan.FromMilliseconds(120));
        Assert.Equal(640_000, path.Congestion.Window);
    }

    /// <summary>A path on which a window's worth of segments is acknowledged each round trip.</summary>
    private sealed class Path
    {
        private Instant _now = Instant.Zero + TimeSpan.FromSeconds(100);
        private long _una = 1;

        public Path(int window, TimeSpan roundTrip, bool slowStart = false)
        {
            RoundTrip = roundTrip;
            Congestion = CongestionControl.Create(CongestionAlgorithm.Cubic);
            Congestion.Set(window * Mss);
            if (!slowStart)
            {
                Congestion.OnLoss(window * Mss * 10 / 7, Mss, again: false);
                Congestion.Set(window * Mss);
            }
        }

        public CongestionControl Congestion { get; }

        public TimeSpan RoundTrip { get; set; }

        public void Lose()
        {
            Congestion.OnLoss(Congestion.Window, Mss, again: false);
            Elapsed = TimeSpan.Zero;
        }

        private TimeSpan Elapsed { get; set; }

        public void RunTo(TimeSpan end, bool used = true)
        {
            while (Elapsed + RoundTrip <= end)
            {
                int segments = Congestion.Window / Mss;
                long nxt = _una + (segments * Mss);
                for (int i = 0; i < segments; i++)
                {
                    var step = RoundTrip / segments;
                    _now += step;
                    Elapsed += step;
                    _una += Mss;
                    Congestion.OnAcknowledged(new AckSample
                    {
                        Now = _now, Bytes = Mss, Flight = Mss, Peak = used ? Congestion.Window : Mss, Mss = Mss, Una = _una,
                        Nxt = nxt + (i * Mss), Rtt = RoundTrip, Smoothed = RoundTrip, AfterTimeout = false,
                    });
                }
            }
        }
    }
}

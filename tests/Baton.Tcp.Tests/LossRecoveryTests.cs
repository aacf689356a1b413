namespace Baton.Tcp.Tests;

public class LossRecoveryTests
{
    [Fact]
    public void The_timeout_backs_off_and_the_connection_is_given_up()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, MaxRetransmissions = 4 });
        s.Write(100);
        s.Out(".", 1, len: 100);
        double expected = 200; // Handshake measured 0: the minimum holds.
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(expected, s.ToDeadline().TotalMilliseconds);
            s.Out(".", 1, len: 100);
            expected *= 2;
        }

        s.ToDeadline();
        s.OutNothing();
        Assert.Equal(TcpCloseReason.TimedOut, s.Connection.CloseReason);
        Assert.Equal(4, s.Connection.Counters.RetransmissionTimeouts);
    }

    [Fact]
    public void The_timeout_follows_the_measured_round_trip()
    {
        // RFC 6298 §2: first measurement 0 (handshake), then 300 ms twice.
        var s = new Script();
        s.In("S", 0, mss: 1000);
        s.Out("S.", 0);
        s.At(300).In(".", 1, ack: 1);
        Assert.Equal(300, s.Connection.Statistics.SmoothedRtt.TotalMilliseconds);
        Assert.Equal(300 + (4 * 150), s.Connection.Statistics.Rto.TotalMilliseconds);
        s.Write(10);
        s.Out(".", 1, len: 10);
        s.At(600).In(".", 1, ack: 11);
        Assert.Equal(300 + (4 * 112.5), s.Connection.Statistics.Rto.TotalMilliseconds);
    }

    [Fact]
    public void A_repeated_segment_is_not_measured_and_keeps_the_backoff()
    {
        // Karn, RFC 6298 §3 and §5.7.
        var s = Script.Established(mss: 1000);
        s.Write(10);
        s.Out(".", 1);
        s.ToDeadline();
        s.Out(".", 1);
        s.In(".", 1, ack: 11);
        Assert.Equal(400, s.Connection.Statistics.Rto.TotalMilliseconds);
        s.Write(10);
        s.Out(".", 11);
        s.In(".", 1, ack: 21);
        Assert.Equal(200, s.Connection.Statistics.Rto.TotalMilliseconds);
    }

    [Fact]
    public void Three_duplicate_acks_send_the_lost_segment_again_before_the_timeout()
    {
        var s = Script.Established(mss: 1000);
        s.Write(8000);
        Assert.Equal(8, s.OutAll().Count);
        s.In(".", 1, ack: 1).In(".", 1, ack: 1).OutNothing();
        s.In(".", 1, ack: 1);
        s.Out(".", 1, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 8001).OutNothing();
        Assert.Equal(1, s.Connection.Counters.FastRetransmits);
        Assert.Equal(RecoveryPhase.Open, s.Connection.Statistics.Recovery);
    }

    [Fact]
    public void An_ack_that_changes_the_window_is_no_duplicate()
    {
        var s = Script.Established(mss: 1000);
        s.Write(8000);
        s.OutAll();
        for (int i = 1; i <= 5; i++)
        {
            s.In(".", 1, ack: 1, window: (ushort)(65535 - i));
        }

        s.OutNothing();
    }

    [Fact]
    public void The_first_two_duplicate_acks_each_release_a_new_segment()
    {
        // RFC 3042.
        var s = Script.Established(mss: 1000);
        s.Write(20000);
        Assert.Equal(10, s.OutAll().Count);
        s.In(".", 1, ack: 1).Out(".", 10001, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 1).Out(".", 11001, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 1).Out(".", 1, len: 1000);
    }

    [Fact]
    public void A_partial_ack_sends_the_next_hole_at_once()
    {
        // RFC 6582: segments 1 and 4 of 8 are lost.
        var s = Script.Established(mss: 1000);
        s.Write(8000);
        s.OutAll();
        s.In(".", 1, ack: 1).In(".", 1, ack: 1).In(".", 1, ack: 1);
        s.Out(".", 1, len: 1000);
        s.In(".", 1, ack: 3001);
        s.Out(".", 3001, len: 1000);
        s.OutNothing();
        Assert.Equal(RecoveryPhase.Fast, s.Connection.Statistics.Recovery);
        s.In(".", 1, ack: 8001);
        Assert.Equal(RecoveryPhase.Open, s.Connection.Statistics.Recovery);
    }

    [Fact]
    public void Recovery_halves_the_window()
    {
        var s = Script.Established(mss: 1000);
        s.Write(10000);
        s.OutAll();
        s.In(".", 1, ack: 1).In(".", 1, ack: 1).In(".", 1, ack: 1);
        s.In(".", 1, ack: 10001);
        Assert.InRange(s.Connection.Statistics.CongestionWindow, 2000, 5000);
    }

    [Fact]
    public void With_sack_only_the_holes_are_sent_again()
    {
        var s = Script.Established(mss: 1000, sack: true);
        s.Write(10000);
        s.OutAll();
        s.At(5).In(".", 1, ack: 1, blocks: [(1001, 2001)]);
        s.In(".", 1, ack: 1, blocks: [(3001, 5001), (1001, 2001)]);
        s.Out(".", 1, len: 1000);
        s.Out(".", 2001, len: 1000);
        s.In(".", 1, ack: 1, blocks: [(6001, 9001), (3001, 5001), (1001, 2001)]);
        s.Out(".", 5001, len: 1000);
        s.OutNothing();
    }

    [Fact]
    public void One_sack_that_stands_for_a_super_segment_starts_recovery()
    {
        // RFC 6675 §2, IsLost counts bytes.
        var s = Script.Established(mss: 1000, sack: true);
        s.Write(10000);
        s.OutAll();
        s.At(5).In(".", 1, ack: 1, blocks: [(1001, 10001)]);
        s.Out(".", 1, len: 1000);
    }

    [Fact]
    public void After_a_timeout_everything_goes_again_in_slow_start()
    {
        var s = Script.Established(mss: 1000);
        s.Write(8000);
        s.OutAll();
        s.ToDeadline();
        s.Out(".", 1, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 1001);
        s.Out(".", 1001, len: 1000);
        s.Out(".", 2001, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 8001).OutNothing();
        Assert.Equal(Instant_Never, s.Connection.NextDeadline.Ticks);
    }

    [Fact]
    public void After_a_timeout_duplicate_acks_do_not_start_fast_retransmit()
    {
        // RFC 6582 §3.2, step 1.
        var s = Script.Established(mss: 1000);
        s.Write(8000);
        s.OutAll();
        s.ToDeadline();
        s.Out(".", 1);
        s.In(".", 1, ack: 1).In(".", 1, ack: 1).In(".", 1, ack: 1).In(".", 1, ack: 1);
        Assert.Equal(0, s.Connection.Counters.FastRetransmits);
    }

    [Fact]
    public void A_smaller_path_mtu_sends_what_is_in_flight_again_in_smaller_segments()
    {
        var s = Script.Established();
        s.Write(2920);
        s.OutAll();
        s.Do(c => c.OnPathMtu(s.Now, 1000, Script.OurIss + 99999u)).OutNothing();
        s.Do(c => c.OnPathMtu(s.Now, 1000, Script.OurIss + 1u));
        s.Out(".", 1, len: 960);
        s.Out(".", 961, len: 960);
        s.Out(".", 1921, len: 960);
        s.Out(".", 2881, len: 40);
        s.OutNothing();
    }

    private const long Instant_Never = long.MaxValue;
}

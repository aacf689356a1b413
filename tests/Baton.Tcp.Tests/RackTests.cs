namespace Baton.Tcp.Tests;

public class RackTests
{
    [Fact]
    public void What_was_passed_by_little_is_given_a_quarter_of_the_round_trip()
    {
        // RFC 8985 §6.2: before reordering was seen and with few segments past the gap, reo_wnd is min_RTT / 4.
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        double at = 200;
        s.At(at).In(".", 1, ack: 1001, blocks: [(2001, 3001)]);
        s.OutNothing();
        s.At(at + 24).OutNothing();
        s.At(at + 25).Out(".", 1001, len: 1000);
        Assert.Equal(RecoveryPhase.Fast, s.Connection.Statistics.Recovery);
        s.OutNothing();
    }

    [Fact]
    public void What_was_only_late_is_not_sent_again()
    {
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1001, blocks: [(2001, 3001)]);
        s.At(215).In(".", 1, ack: 3001);
        s.At(280).OutNothing();
        Assert.Equal(0, s.Connection.Counters.SegmentsRetransmitted);
    }

    [Fact]
    public void Three_segments_past_the_gap_are_enough_at_once_while_no_reordering_was_seen()
    {
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 4001)]);
        s.Out(".", 1, len: 1000);
    }

    [Fact]
    public void Once_reordering_was_seen_three_segments_are_not_enough()
    {
        var s = Sack(roundTrip: 100);
        s.Write(2000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 2001)]);
        s.At(205).In(".", 1, ack: 2001);
        s.Write(6000);
        s.OutAll();
        s.At(305).In(".", 1, ack: 2001, blocks: [(3001, 7001)]);
        s.OutNothing();
        s.At(331).Out(".", 2001, len: 1000);
    }

    [Fact]
    public void A_lost_repetition_is_sent_again_without_a_timeout()
    {
        var s = Sack(roundTrip: 100);
        s.Write(10_000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 5001)]);
        s.Out(".", 1, len: 1000);
        s.Write(3000);
        s.At(210).In(".", 1, ack: 1, blocks: [(1001, 10_001)]);
        Assert.NotEmpty(s.OutAll());
        s.At(320).In(".", 1, ack: 1, blocks: [(1001, 11_001)]);
        s.At(345).Out(".", 1, len: 1000);
        Assert.Equal(0, s.Connection.Counters.RetransmissionTimeouts);
    }

    [Fact]
    public void A_duplicate_reported_widens_the_reordering_window()
    {
        // RFC 8985 §6.2, step 4: with each round of DSACKs by a quarter.
        var s = Sack(roundTrip: 100);
        s.Write(8000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 5001)]);
        s.Out(".", 1, len: 1000);
        s.At(210).In(".", 1, ack: 5001);
        s.In(".", 1, ack: 5001, blocks: [(1, 1001)]);
        var snapshot = s.Connection.ToSnapshot(s.Now);
        Assert.Equal((1, 15), (snapshot.RackMultiplier, snapshot.RackPersistence));
        s.At(300).In(".", 1, ack: 8001);
        s.Write(6000);
        s.OutAll();
        s.At(400).In(".", 1, ack: 8001, blocks: [(9001, 10_001)]);
        s.At(448).OutNothing();
        s.At(451).Out(".", 8001, len: 1000);
    }

    [Fact]
    public void In_recovery_the_window_shrinks_in_step_with_what_arrives()
    {
        // RFC 6937 §3 with CUBIC's 0.7: seven segments leave for ten that arrive.
        var s = Sack(roundTrip: 100);
        s.Write(100_000);
        Assert.Equal(10, s.OutAll().Count);
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 4001)]);
        s.OutAll();
        int sent = 0;
        for (int end = 5001; end <= 10_001; end += 1000)
        {
            s.In(".", 1, ack: 1, blocks: [(1001, end)]);
            sent += s.OutAll().Count;
        }

        Assert.InRange(sent, 4, 6);
        s.At(300).In(".", 1, ack: 10_001);
        Assert.Equal(RecoveryPhase.Open, s.Connection.Statistics.Recovery);
        Assert.InRange(s.Connection.Statistics.CongestionWindow, 7000, 7000);
    }

    [Fact]
    public void Two_silent_round_trips_after_the_tail_send_its_last_segment_again()
    {
        // RFC 8985 §7.3: PTO is twice SRTT; the probe is the highest segment.
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        s.At(299).OutNothing();
        s.At(300).Out(".", 4001, len: 1000);
        s.OutNothing();
        Assert.Equal(1, s.Connection.Counters.TailProbes);
        s.At(400).In(".", 1, ack: 3001, blocks: [(4001, 5001)]);
        s.At(430).Out(".", 3001, len: 1000);
        Assert.Equal(0, s.Connection.Counters.RetransmissionTimeouts);
    }

    [Fact]
    public void A_probe_takes_new_data_where_there_are_any()
    {
        var s = Sack(roundTrip: 100);
        s.Write(10_000);
        Assert.Equal(10, s.OutAll().Count);
        s.Write(1000);
        s.OutNothing();
        s.At(300).Out(".", 10_001, len: 1000);
        s.OutNothing();
    }

    [Fact]
    public void A_loss_mended_by_the_probe_reduces_the_window_all_the_same()
    {
        // RFC 8985 §7.4.2: an ACK beyond the probe without a DSACK.
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        s.At(300).Out(".", 4001, len: 1000);
        s.At(400).In(".", 1, ack: 5001);
        s.Write(1000);
        s.Out(".", 5001);
        s.At(500).In(".", 1, ack: 6001);
        Assert.InRange(s.Connection.Statistics.SlowStartThreshold, 2000, 9999);
    }

    [Fact]
    public void A_needless_probe_reduces_nothing()
    {
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.OutAll();
        s.At(300).Out(".", 4001, len: 1000);
        s.At(310).In(".", 1, ack: 5001);
        s.At(400).In(".", 1, ack: 5001, blocks: [(4001, 5001)]);
        s.Write(1000);
        s.Out(".", 5001);
        s.At(500).In(".", 1, ack: 6001);
        Assert.Equal(CongestionControl.MaxWindow, s.Connection.Statistics.SlowStartThreshold);
    }

    [Fact]
    public void A_handoff_in_recovery_goes_on_where_it_was()
    {
        var s = Sack(roundTrip: 100);
        s.Write(10_000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 2001), (3001, 6001)]);
        s.OutAll();
        var before = s.Connection.Statistics;
        s.Move(TimeSpan.FromSeconds(7));
        Assert.Equal(before with { RingBytes = 0, RightEdge = default }, s.Connection.Statistics with { RingBytes = 0, RightEdge = default });
        s.In(".", 1, ack: 10_001);
        Assert.Equal(RecoveryPhase.Open, s.Connection.Statistics.Recovery);
    }

    [Fact]
    public void An_idle_connection_keeps_no_record_of_transmissions()
    {
        var s = Sack(roundTrip: 100);
        s.Write(5000);
        s.At(150);
        s.Write(2000);
        Assert.Equal(2, s.Connection.Sender.Recovery.Sent.Parts.Length);
        Assert.True(s.Connection.Sender.Recovery.Sent.Capacity > 0);
        s.In(".", 1, ack: 7001);
        Assert.Equal(0, s.Connection.Sender.Recovery.Sent.Capacity);
    }

    /// <summary>Established, with a measured round trip.</summary>
    private static Script Sack(int roundTrip)
    {
        var s = new Script();
        s.In("S", 0, mss: 1000, sack: true);
        s.Out("S.", 0);
        s.At(roundTrip).In(".", 1, ack: 1);
        Assert.Equal(roundTrip, s.Connection.Statistics.MinRtt.TotalMilliseconds);
        return s;
    }
}

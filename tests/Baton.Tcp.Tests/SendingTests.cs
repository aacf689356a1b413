namespace Baton.Tcp.Tests;

public class SendingTests
{
    [Fact]
    public void Ten_segments_are_the_first_flight_and_acks_open_the_window()
    {
        var s = Script.Established(mss: 1000);
        s.Write(60000);
        Assert.Equal(10, s.OutAll().Count);
        s.In(".", 1, ack: 10001);
        Assert.Equal(20, s.OutAll().Count);
    }

    [Fact]
    public void In_congestion_avoidance_the_window_grows_by_a_segment_a_round_trip()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, Congestion = CongestionAlgorithm.NewReno }, mss: 1000);
        s.Write(200_000);
        s.OutAll();
        s.In(".", 1, ack: 1).In(".", 1, ack: 1).In(".", 1, ack: 1);
        long acked = 12001;
        s.In(".", 1, ack: acked); // Recovery is over; the threshold is 6000.
        int[] expected = [2000, 4000, 6000, 7000, 8000, 9000];
        foreach (int window in expected)
        {
            Assert.Equal(window, s.Connection.Statistics.CongestionWindow);
            s.OutAll();
            s.In(".", 1, ack: acked += s.Connection.Statistics.BytesInFlight);
        }
    }

    [Fact]
    public void After_idle_time_the_window_starts_anew()
    {
        // RFC 5681 §4.1.
        var s = Script.Established(mss: 1000);
        s.Write(10000);
        s.OutAll();
        s.In(".", 1, ack: 10001);
        Assert.Equal(20000, s.Connection.Statistics.CongestionWindow);
        s.At(5000);
        s.Write(20000);
        Assert.Equal(10, s.OutAll().Count);
    }

    [Fact]
    public void A_super_segment_is_whole_segments_with_its_tail_last()
    {
        var s = Script.Established(mss: 1000);
        s.MaxSegment = 65535;
        s.Write(9500);
        var sent = s.Out("P.", 1, len: 9500);
        Assert.Equal(1000, sent.SegmentSize);
        s.Write(2000);
        s.In(".", 1, ack: 1001);
        sent = s.Out("P.", 9501, len: 2000);
        Assert.Equal(1000, sent.SegmentSize);
    }

    [Fact]
    public void A_small_segment_waits_while_another_is_unacknowledged()
    {
        var s = Script.Established(mss: 1000);
        s.Write(10);
        s.Out("P.", 1, len: 10);
        s.Write(20);
        s.Write(30);
        s.OutNothing();
        s.In(".", 1, ack: 11).Out("P.", 11, len: 50);
    }

    [Fact]
    public void Without_delay_small_segments_go_at_once()
    {
        var s = Script.Established(TcpSettings.Default with { NoDelay = true }, mss: 1000);
        s.Write(10);
        s.Out("P.", 1, len: 10);
        s.Write(20);
        s.Out("P.", 11, len: 20);
    }

    [Fact]
    public void A_tail_goes_at_once_after_full_segments()
    {
        // Minshall's form of Nagle, RFC 9293 appendix A.3.
        var s = Script.Established(mss: 1000);
        s.Write(1500);
        s.Out(".", 1, len: 1000);
        s.Out("P.", 1001, len: 500);
    }

    [Fact]
    public void The_peers_window_is_scaled_and_not_exceeded()
    {
        var s = Script.Established(window: 1000, scale: 2, mss: 1000);
        s.Write(20000);
        s.Out(".", 1, len: 1000);
        s.Out(".", 1001, len: 1000);
        s.Out(".", 2001, len: 1000);
        s.Out(".", 3001, len: 1000);
        s.OutNothing();
    }

    [Fact]
    public void A_silly_window_is_not_filled_until_the_override_time_has_passed()
    {
        var s = Script.Established(window: 10000, mss: 1000);
        s.Write(30000);
        Assert.Equal(10, s.OutAll().Count);
        s.In(".", 1, ack: 10001, window: 300).OutNothing();
        Assert.Equal(200, s.ToDeadline().TotalMilliseconds);
        s.Out(".", 10001, len: 300);
        s.OutNothing();
        s.In(".", 1, ack: 10301, window: 5000).Out(".", 10301, len: 1000);
    }

    [Fact]
    public void A_closed_window_is_probed_with_backoff_for_as_long_as_the_peer_answers()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, MaxRetransmissions = 3 }, window: 2000, mss: 1000);
        s.Write(5000);
        s.OutAll();
        s.In(".", 1, ack: 2001, window: 0).OutNothing();
        double expected = 200;
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(expected, s.ToDeadline().TotalMilliseconds);
            s.Out(".", 2001, len: 1);
            s.In(".", 1, ack: 2001, window: 0).OutNothing();
            expected *= 2;
        }

        s.In(".", 1, ack: 2001, window: 9000);
        s.Out(".", 2001, len: 1000);
        s.Out(".", 3001, len: 1000);
    }

    [Fact]
    public void A_probe_that_is_taken_opens_the_way()
    {
        var s = Script.Established(window: 1000, mss: 1000);
        s.Write(3000);
        s.OutAll();
        s.In(".", 1, ack: 1001, window: 0);
        s.ToDeadline();
        s.Out(".", 1001, len: 1);
        s.In(".", 1, ack: 1002, window: 5000).Out(".", 1002, len: 1000);
        s.Out("P.", 2002, len: 999);
    }

    [Fact]
    public void Unanswered_window_probes_end_the_connection()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, MaxRetransmissions = 3 }, window: 1000, mss: 1000);
        s.Write(3000);
        s.OutAll();
        s.In(".", 1, ack: 1001, window: 0);
        s.At(1_000_000);
        Assert.Equal(3, s.OutAll().Count);
        Assert.Equal(TcpCloseReason.TimedOut, s.Connection.CloseReason);
    }

    [Fact]
    public void A_silent_peer_is_probed_and_given_up()
    {
        var settings = TcpSettings.Default with
        {
            Timestamps = false,
            KeepAliveTime = TimeSpan.FromSeconds(10),
            KeepAliveInterval = TimeSpan.FromSeconds(1),
            KeepAliveProbes = 2,
        };
        var s = Script.Established(settings);
        s.At(9_000).OutNothing();
        s.At(10_000).Out(".", 0, ack: 1, len: 0);
        s.In(".", 1, ack: 1);
        s.At(19_000).OutNothing();
        s.At(20_000).Out(".", 0);
        s.At(21_000).Out(".", 0);
        s.At(22_000).Out("R.", 1);
        Assert.Equal(TcpCloseReason.TimedOut, s.Connection.CloseReason);
    }

    [Fact]
    public void The_send_queue_is_bounded_and_says_when_there_is_room()
    {
        var s = Script.Established(TcpSettings.Default with { SendBufferLimit = 8000 }, mss: 1000);
        Assert.Equal(8000, s.Write(10000));
        Assert.Equal(0, s.Connection.WriteCapacity);
        s.In(".", 1, ack: 1001);
        Assert.Equal(TcpEvents.None, s.Connection.TakeEvents());
        s.In(".", 1, ack: 3001);
        Assert.Equal(TcpEvents.Writable, s.Connection.TakeEvents());
        Assert.Equal(3000, s.Connection.WriteCapacity);
    }

    [Fact]
    public void An_idle_connection_holds_no_ring()
    {
        var s = Script.Established(mss: 1000);
        s.Write(5000);
        s.OutAll();
        s.In(".", 1, ack: 5001, len: 700);
        Assert.True(s.Connection.Statistics.RingBytes > 0);
        s.Read();
        Assert.Equal(0, s.Connection.Statistics.RingBytes);
    }

    [Fact]
    public void A_probe_that_was_not_taken_goes_again_within_a_full_segment()
    {
        var s = Script.Established(mss: 1000, window: 1000);
        s.Write(5000);
        s.Out(".", 1, len: 1000);
        s.In(".", 1, ack: 1001, window: 0);
        s.ToDeadline();
        s.Out(".", 1001, len: 1);
        s.In(".", 1, ack: 1001, window: 10_000);
        s.Out(".", 1001, len: 1000);
        s.Out(".", 2001, len: 1000);
        s.Out(".", 3001, len: 1000);
        s.Out(".", 4001, len: 1000);
        s.OutNothing();
    }
}

namespace Baton.Tcp.Tests;

public class ReceivingTests
{
    private static readonly TcpSettings Small = TcpSettings.Default with { Timestamps = false, ReceiveBufferLimit = 4096 };

    [Fact]
    public void Every_second_full_segment_is_acknowledged_at_once()
    {
        var s = Script.Established(mss: 1000);
        s.In(".", 1, ack: 1, len: 1000).OutNothing();
        s.In(".", 1001, ack: 1, len: 1000).Out(".", 1, ack: 2001);
        s.OutNothing();
    }

    [Fact]
    public void With_timestamps_too_every_second_full_segment_is_acknowledged_at_once()
    {
        var s = new Script(TcpSettings.Default) { PeerClock = 1 };
        s.In("S", 0, mss: 1460);
        s.Out("S.");
        s.In(".", 1, ack: 1);
        s.In(".", 1, ack: 1, len: 1448).OutNothing();
        s.In(".", 1449, ack: 1, len: 1448).Out(".", 1, ack: 2897);
    }

    [Fact]
    public void A_super_segment_is_acknowledged_at_once()
    {
        var s = Script.Established(mss: 1000);
        s.In(".", 1, ack: 1, len: 5000).Out(".", 1, ack: 5001);
    }

    [Fact]
    public void A_single_segment_is_acknowledged_after_the_delay_or_with_data()
    {
        var s = Script.Established(mss: 1000);
        s.In(".", 1, ack: 1, len: 10).OutNothing();
        Assert.Equal(40, s.ToDeadline().TotalMilliseconds);
        s.Out(".", 1, ack: 11);
        s.In(".", 11, ack: 1, len: 10);
        s.Write(5);
        s.Out("P.", 1, ack: 21, len: 5);
        s.At(150).OutNothing();
    }

    [Fact]
    public void So_many_of_the_first_segments_as_the_settings_say_are_acknowledged_at_once()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, QuickAcks = 2 }, mss: 1000);
        s.In(".", 1, ack: 1, len: 10).Out(".", 1, ack: 11);
        s.In(".", 11, ack: 1, len: 10).Out(".", 1, ack: 21);
        s.In(".", 21, ack: 1, len: 10).OutNothing();
        s.ToDeadline();
        s.Out(".", 1, ack: 31);
    }

    [Fact]
    public void An_answer_ends_the_acknowledgments_at_once()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, QuickAcks = 9 }, mss: 1000);
        s.Write(5);
        s.Out("P.", 1, ack: 1, len: 5);
        s.In(".", 1, ack: 6, len: 10).Out(".", 6, ack: 11);
        s.Write(5);
        s.Out("P.", 6, ack: 11, len: 5);
        s.In(".", 11, ack: 11, len: 10).OutNothing();
    }

    [Fact]
    public void Segments_ahead_of_a_gap_are_kept_and_each_gets_a_duplicate_ack_with_sack()
    {
        var s = Script.Established(mss: 1000, sack: true);
        s.In(".", 1001, ack: 1, len: 1000).Out(".", 1, ack: 1, blocks: [(1001, 2001)]);
        s.In(".", 3001, ack: 1, len: 1000).Out(".", 1, ack: 1, blocks: [(3001, 4001), (1001, 2001)]);
        s.In(".", 5001, ack: 1, len: 1000).Out(".", 1, ack: 1, blocks: [(5001, 6001), (3001, 4001), (1001, 2001)]);
        s.In(".", 2001, ack: 1, len: 1000).Out(".", 1, ack: 1, blocks: [(1001, 4001), (5001, 6001)]);
        Assert.Equal(0, s.Connection.ReadableBytes);
        s.In(".", 1, ack: 1, len: 1000).Out(".", 1, ack: 4001, blocks: [(5001, 6001)]);
        s.In(".", 4001, ack: 1, len: 1000).Out(".", 1, ack: 6001, blocks: []);
        Assert.Equal(Script.PatternBytes(1, 6000), s.Read());
    }

    [Fact]
    public void Duplicate_acks_are_owed_for_each_segment_of_a_batch()
    {
        var s = Script.Established(mss: 1000);
        var c = s.Connection;
        for (int i = 1; i <= 3; i++)
        {
            var header = new Wire.TcpHeader { Sequence = Script.PeerIss + (uint)(1 + (1000 * i)), Acknowledgment = Script.OurIss + 1u, Flags = Wire.TcpFlags.Ack, Window = 65535 };
            c.OnSegment(s.Now, header, Script.PatternBytes(1 + (1000 * i), 1000));
        }

        s.Do(_ => { });
        Assert.Equal(3, s.OutAll().Count);
    }

    [Fact]
    public void Overlapping_segments_give_each_byte_once()
    {
        var s = Script.Established();
        s.In(".", 501, ack: 1, len: 1000);
        s.In(".", 1, ack: 1, len: 700);
        s.In(".", 1, ack: 1, len: 1400);
        s.In(".", 1201, ack: 1, len: 600);
        Assert.Equal(Script.PatternBytes(1, 1800), s.Read());
    }

    [Fact]
    public void More_gaps_than_the_set_holds_are_dropped_like_loss()
    {
        var s = Script.Established(mss: 1000);
        for (int i = 0; i < RangeSet.MaxRanges; i++)
        {
            s.In(TcpDisposition.Accepted, ".", 11 + (20 * i), ack: 1, len: 10);
        }

        s.In(TcpDisposition.NoRoom, ".", 11 + (20 * RangeSet.MaxRanges), ack: 1, len: 10);
        for (int i = 0; i < RangeSet.MaxRanges; i++)
        {
            s.In(".", 1 + (20 * i), ack: 1, len: 10);
        }

        Assert.Equal(Script.PatternBytes(1, 20 * RangeSet.MaxRanges), s.Read());
    }

    [Fact]
    public void What_lies_beyond_the_window_is_cut_off()
    {
        var s = Script.Established(Small);
        s.In(".", 1, ack: 1, len: 4000);
        s.In(".", 4001, ack: 1, len: 1000);
        Assert.Equal(4096, s.Connection.ReadableBytes);
        s.OutAll();
        s.In(TcpDisposition.OutOfWindow, ".", 5097, ack: 1, len: 10).Out(".", 1, ack: 4097, window: 0);
    }

    [Fact]
    public void A_window_probe_into_a_closed_window_is_answered_and_its_ack_counts()
    {
        var s = Script.Established(Small, mss: 1000);
        s.Write(500);
        s.Out("P.", 1);
        s.In(".", 1, ack: 1, len: 4096).Out(".", 501, ack: 4097, window: 0);
        s.In(TcpDisposition.Accepted, ".", 4097, ack: 501, len: 1).Out(".", 501, ack: 4097, window: 0);
        Assert.Equal(0, s.Connection.Statistics.BytesInFlight);
    }

    [Fact]
    public void The_peer_hears_of_room_only_when_it_is_worth_a_segment()
    {
        var s = Script.Established(Small, mss: 1000);
        s.In(".", 1, ack: 1, len: 4096).Out(".", 1, window: 0);
        s.Read(500);
        s.OutNothing();
        s.Read(2000);
        s.Out(".", 1, ack: 4097, window: 2500);
    }

    [Fact]
    public void The_right_edge_never_goes_back_on_the_wire_with_a_scaled_window()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false, ReceiveBufferStart = 4 << 20 }, scale: 0);
        var random = new Random(7);
        long next = 1;
        long edge = 0;
        while (s.Connection.ReadableBytes < 3_900_000)
        {
            int length = random.Next(10) == 0 ? random.Next(1, 1460) : 1460;
            s.In(".", next, ack: 1, len: length);
            next += length;
            foreach (var sent in s.OutAll())
            {
                long announced = sent.Ack + ((long)sent.Header.Window << 6);
                Assert.True(announced >= edge, $"back by {edge - announced} at {next}");
                edge = announced;
            }
        }
    }

    [Fact]
    public void An_old_timestamp_is_dropped_and_answered()
    {
        var s = new Script(TcpSettings.Default) { PeerClock = 1000 };
        s.In("S", 0);
        s.Out("S.");
        s.In(".", 1, ack: 1, tsval: 1001);
        s.In(TcpDisposition.Accepted, ".", 1, ack: 1, len: 10, tsval: 1005);
        s.At(40).Out(".", 1, ack: 11);
        s.In(TcpDisposition.PawsRejected, ".", 11, ack: 1, len: 10, tsval: 1004).Out(".", 1, ack: 11);
        s.PeerClock = null;
        s.In(TcpDisposition.PawsRejected, ".", 11, ack: 1, len: 10);
        Assert.Equal(10, s.Connection.ReadableBytes);
    }

    [Fact]
    public void After_24_days_of_silence_an_old_timestamp_says_nothing()
    {
        var s = new Script(TcpSettings.Default) { PeerClock = 1000 };
        s.In("S", 0);
        s.Out("S.");
        s.In(".", 1, ack: 1);
        s.At(TimeSpan.FromDays(25).TotalMilliseconds);
        s.In(TcpDisposition.Accepted, ".", 1, ack: 1, len: 10, tsval: 5);
        s.At(TimeSpan.FromDays(25).TotalMilliseconds + 50);
        Assert.Equal(5u, s.Out(".", 1, ack: 11).Header.Options.TimestampEcho);
    }

    [Fact]
    public void A_segment_ahead_of_a_gap_does_not_change_the_timestamp_to_echo()
    {
        // RFC 7323 §4.3, (2).
        var s = new Script(TcpSettings.Default) { PeerClock = 1000 };
        s.In("S", 0);
        s.Out("S.");
        s.In(".", 1, ack: 1);
        s.In(".", 101, ack: 1, len: 100, tsval: 2000);
        Assert.Equal(1000u, s.Out(".", ack: 1).Header.Options.TimestampEcho);
        s.In(".", 1, ack: 1, len: 100, tsval: 2001);
        Assert.Equal(2001u, s.Out(".", ack: 201).Header.Options.TimestampEcho);
    }

    [Fact]
    public void What_comes_twice_is_reported_in_the_first_sack_block()
    {
        // RFC 2883 §4.1 and §4.2.1.
        var s = Script.Established(sack: true);
        s.In(".", 1, ack: 1, len: 1000);
        s.At(40).Out(".", 1, ack: 1001);
        s.In(".", 1, ack: 1, len: 1000).Out(".", 1, ack: 1001, blocks: [(1, 1001)]);
        s.In(".", 2001, ack: 1, len: 1000).Out(".", 1, ack: 1001, blocks: [(2001, 3001)]);
        s.In(".", 2001, ack: 1, len: 500).Out(".", 1, ack: 1001, blocks: [(2001, 2501), (2001, 3001)]);
        s.OutNothing();
    }
}

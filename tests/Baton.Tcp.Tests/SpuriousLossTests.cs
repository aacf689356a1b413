namespace Baton.Tcp.Tests;

public class SpuriousLossTests
{
    private static readonly TcpSettings WithTimestamps = TcpSettings.Default;

    [Fact]
    public void An_echo_from_before_the_timeout_takes_the_reduction_back()
    {
        // RFC 3522 §3.2 and RFC 4015 §3.2.
        var s = Established(WithTimestamps, timestamps: true);
        s.Write(10_000);
        uint echo = s.OutAll()[0].Header.Options.TimestampValue;
        ToTimeout(s);
        Assert.Equal(988, s.Connection.Statistics.CongestionWindow);
        s.In(".", 1, ack: 989, tsval: 101, tsecr: echo);
        Assert.Equal((RecoveryPhase.Open, 9880), (s.Connection.Statistics.Recovery, s.Connection.Statistics.CongestionWindow));
        Assert.Equal(1, s.Connection.Counters.SpuriousLosses);
    }

    [Fact]
    public void An_echo_of_the_repetition_takes_nothing_back()
    {
        var s = Established(WithTimestamps, timestamps: true);
        s.Write(10_000);
        s.OutAll();
        uint echo = ToTimeout(s).Header.Options.TimestampValue;
        s.In(".", 1, ack: 989, tsval: 101, tsecr: echo);
        Assert.Equal(0, s.Connection.Counters.SpuriousLosses);
    }

    [Fact]
    public void Duplicates_reported_for_all_that_was_repeated_take_the_reduction_back()
    {
        var s = Established(TcpSettings.Default with { Timestamps = false });
        s.Write(10_000);
        s.OutAll();
        s.At(200).In(".", 1, ack: 1, blocks: [(1001, 5001)]);
        s.Out(".", 1, len: 1000);
        int window = s.Connection.Statistics.SlowStartThreshold;
        s.At(210).In(".", 1, ack: 10_001);
        s.At(300).In(".", 1, ack: 10_001, blocks: [(1, 1001)]);
        Assert.True(s.Connection.Statistics.SlowStartThreshold > window);
        Assert.Equal(1, s.Connection.Counters.SpuriousLosses);
    }

    [Fact]
    public void Two_acks_of_what_was_not_repeated_make_a_timeout_spurious()
    {
        // RFC 5682 §2.1: after the first ACK two new segments, after the second all is as before.
        var s = Established(TcpSettings.Default with { Timestamps = false });
        s.Write(20_000);
        Assert.Equal(10, s.OutAll().Count);
        ToTimeout(s);
        s.In(".", 1, ack: 1001);
        s.Out(".", 11_001, len: 1000);
        s.Out(".", 12_001, len: 1000);
        s.OutNothing();
        s.In(".", 1, ack: 2001);
        Assert.Equal((RecoveryPhase.Open, 1), (s.Connection.Statistics.Recovery, s.Connection.Counters.SpuriousLosses));
        Assert.Equal(10_000, s.Connection.Statistics.CongestionWindow);
    }

    [Fact]
    public void A_duplicate_ack_after_the_new_segments_makes_the_timeout_true()
    {
        // RFC 5682 §2.1, step 3a.
        var s = Established(TcpSettings.Default with { Timestamps = false });
        s.Write(20_000);
        s.OutAll();
        ToTimeout(s);
        s.In(".", 1, ack: 1001);
        s.OutAll();
        s.In(".", 1, ack: 1001, blocks: [(11_001, 12_001)]);
        s.Out(".", 1001, len: 1000);
        Assert.Equal((RecoveryPhase.Timeout, 0), (s.Connection.Statistics.Recovery, s.Connection.Counters.SpuriousLosses));
    }

    [Fact]
    public void Without_new_data_a_timeout_is_recovered_from_as_ever()
    {
        var s = Established(TcpSettings.Default with { Timestamps = false });
        s.Write(5000);
        s.OutAll();
        ToTimeout(s);
        s.In(".", 1, ack: 1001);
        s.Out(".", 1001, len: 1000);
        s.Out(".", 2001, len: 1000);
    }

    [Fact]
    public void The_judgement_moves_with_the_connection()
    {
        var s = Established(WithTimestamps, timestamps: true);
        s.Write(10_000);
        uint echo = s.OutAll()[0].Header.Options.TimestampValue;
        ToTimeout(s);
        s.Move(TimeSpan.FromMinutes(1));
        s.In(".", 1, ack: 989, tsval: 101, tsecr: echo);
        Assert.Equal(1, s.Connection.Counters.SpuriousLosses);
    }

    /// <summary>The tail loss probe goes by, the timeout comes and repeats the first segment.</summary>
    private static Script.Sent ToTimeout(Script s)
    {
        while (s.Connection.Counters.RetransmissionTimeouts == 0)
        {
            s.OutAll();
            s.ToDeadline();
        }

        return s.Out(".", 1);
    }

    private static Script Established(TcpSettings settings, bool timestamps = false)
    {
        var s = new Script(settings) { PeerClock = timestamps ? 100 : null };
        s.In("S", 0, mss: 1000, sack: true);
        s.Out("S.", 0);
        s.At(100).In(".", 1, ack: 1);
        return s;
    }
}

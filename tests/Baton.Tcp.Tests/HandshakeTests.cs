namespace Baton.Tcp.Tests;

public class HandshakeTests
{
    [Fact]
    public void A_passive_open_answers_the_options_that_were_offered()
    {
        var s = new Script(TcpSettings.Default);
        s.In("S", 0, mss: 1400, scale: 7, sack: true, tsval: 77);
        var synAck = s.Out("S.", 0, ack: 1, len: 0, window: 65535);
        var options = synAck.Header.Options;
        Assert.Equal((ushort)1460, options.Mss);
        Assert.Equal((byte)6, options.WindowScale);
        Assert.True(options.SackPermitted);
        Assert.True(options.HasTimestamps);
        Assert.Equal(77u, options.TimestampEcho);
        Assert.Equal(TcpState.SynReceived, s.Connection.State);

        s.In(".", 1, ack: 1, tsval: 78);
        Assert.Equal(TcpState.Established, s.Connection.State);
        Assert.Equal(TcpEvents.Established | TcpEvents.Writable, s.Connection.TakeEvents());
        Assert.Equal(1400 - 12, s.Connection.Statistics.Mss);
    }

    [Fact]
    public void A_passive_open_offers_nothing_of_its_own()
    {
        var s = new Script(TcpSettings.Default);
        s.In("S", 0);
        var options = s.Out("S.", 0, ack: 1).Header.Options;
        Assert.Null(options.WindowScale);
        Assert.False(options.SackPermitted || options.HasTimestamps);
        s.In(".", 1, ack: 1);
        Assert.Equal(536, s.Connection.Statistics.Mss);
    }

    [Fact]
    public void A_syn_that_comes_again_in_one_burst_with_its_acknowledgment_asks_for_no_answer_any_more()
    {
        var s = new Script();
        s.In("S", 0, mss: 1460);
        s.Out("S.", 0, ack: 1);
        s.InBurst = true;
        s.In("S", 0, mss: 1460).In(".", 1, ack: 1);
        s.InBurst = false;
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.Move().OutNothing();
        s.Write(10);
        s.Out("P.", 1, ack: 1, len: 10);
    }

    [Fact]
    public void An_active_open_sends_syn_and_acknowledges_the_answer()
    {
        var s = new Script(TcpSettings.Default).Connect();
        var options = s.Out("S", 0, window: 65535).Header.Options;
        Assert.True(options.SackPermitted && options.HasTimestamps);
        s.In("S.", 0, ack: 1, mss: 1460, scale: 3, sack: true, tsval: 5);
        s.Out(".", 1, ack: 1, len: 0);
        Assert.Equal(TcpState.Established, s.Connection.State);
    }

    [Fact]
    public void A_syn_is_repeated_with_backoff_and_given_up()
    {
        var s = new Script(TcpSettings.Default with { MaxSynRetransmissions = 3 }).Connect();
        s.Out("S", 0);
        s.At(999).OutNothing();
        s.At(1000).Out("S", 0);
        s.At(2999).OutNothing();
        s.At(3000).Out("S", 0);
        s.At(7000).Out("S", 0);
        s.At(14999).OutNothing();
        s.At(15001).OutNothing();
        Assert.Equal(TcpCloseReason.TimedOut, s.Connection.CloseReason);
    }

    [Fact]
    public void After_a_repeated_syn_one_segment_is_sent_at_first()
    {
        // RFC 5681 §3.1 and RFC 6298 §5.7.
        var s = new Script().Connect();
        s.Out("S", 0);
        s.At(1000).Out("S", 0);
        s.In("S.", 0, ack: 1, mss: 1000);
        s.Out(".", 1, ack: 1);
        s.Write(5000);
        s.Out(".", 1, len: 1000);
        s.OutNothing();
        Assert.Equal(TimeSpan.FromSeconds(3), s.ToDeadline());
    }

    [Fact]
    public void After_a_repeated_syn_the_timeout_is_three_times_the_one_that_was_configured()
    {
        var s = new Script(TcpSettings.Default with { InitialRto = TimeSpan.FromMilliseconds(200), MinRto = TimeSpan.FromMilliseconds(10) }).Connect();
        s.Out("S", 0);
        s.At(200).Out("S", 0);
        s.In("S.", 0, ack: 1, mss: 1000);
        s.Out(".", 1, ack: 1);
        s.Write(100);
        s.Out("P.", 1, len: 100);
        Assert.Equal(TimeSpan.FromMilliseconds(600), s.ToDeadline());
    }

    [Fact]
    public void A_repeated_syn_gets_its_syn_ack_again_at_once()
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.", 0, ack: 1);
        s.In("S", 0).Out("S.", 0, ack: 1);
        s.OutNothing();
    }

    [Fact]
    public void A_syn_ack_is_repeated_after_the_timeout()
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.", 0);
        s.At(1000).Out("S.", 0, ack: 1);
    }

    [Fact]
    public void Simultaneous_open_leads_to_established()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        s.In("S", 0, mss: 1000).Out("S.", 0, ack: 1);
        Assert.Equal(TcpState.SynReceived, s.Connection.State);
        s.In("S.", 0, ack: 1, mss: 1000);
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.Out(".", 1, ack: 1);
        s.Write(10);
        s.Out(".", 1, ack: 1, len: 10);
    }

    [Fact]
    public void A_wrong_ack_in_syn_sent_is_answered_by_rst_and_the_connection_stays()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        s.In(TcpDisposition.UnacceptableAck, "S.", 0, ack: 9).Out("R", 9);
        s.In(TcpDisposition.UnacceptableAck, ".", 0, ack: 0).Out("R", 0);
        Assert.Equal(TcpState.SynSent, s.Connection.State);
    }

    [Fact]
    public void A_rst_refuses_a_syn_only_with_its_acknowledgment()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        s.In(TcpDisposition.Ignored, "R", 0);
        s.In(TcpDisposition.Ignored, "R.", 0, ack: 3);
        s.In(TcpDisposition.Reset, "R.", 0, ack: 1);
        Assert.Equal(TcpCloseReason.Refused, s.Connection.CloseReason);
        Assert.Equal(TcpEvents.Closed, s.Connection.TakeEvents());
    }

    [Fact]
    public void A_wrong_ack_in_syn_received_is_answered_by_rst()
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.", 0);
        s.In(TcpDisposition.UnacceptableAck, ".", 1, ack: 7).Out("R", 7);
        Assert.Equal(TcpState.SynReceived, s.Connection.State);
    }

    [Fact]
    public void Data_may_come_with_the_ack_of_the_syn_ack()
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.", 0);
        s.In(".", 1, ack: 1, len: 20);
        Assert.Equal(Script.PatternBytes(1, 20), s.Read());
    }

    [Fact]
    public void Data_written_before_the_handshake_ends_follow_it()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        Assert.Equal(30, s.Write(30));
        s.In("S.", 0, ack: 1);
        s.Out(".", 1, ack: 1, len: 30);
    }

    [Fact]
    public void An_icmp_error_ends_a_handshake_but_not_a_connection()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        s.Do(c => c.OnIcmpError(s.Now, TcpIcmpError.Prohibited, Script.OurIss + 8u));
        Assert.Equal(TcpState.SynSent, s.Connection.State);
        s.Do(c => c.OnIcmpError(s.Now, TcpIcmpError.Unreachable, Script.OurIss));
        Assert.Equal(TcpCloseReason.Unreachable, s.Connection.CloseReason);

        var e = Script.Established();
        e.Write(10);
        e.Do(c => c.OnIcmpError(e.Now, TcpIcmpError.Prohibited, Script.OurIss + 1u));
        Assert.Equal(TcpState.Established, e.Connection.State);
    }
}

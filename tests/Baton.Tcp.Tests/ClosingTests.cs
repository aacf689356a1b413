namespace Baton.Tcp.Tests;

public class ClosingTests
{
    [Fact]
    public void An_active_close_goes_through_fin_wait_and_time_wait()
    {
        var s = Script.Established();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1, ack: 1);
        Assert.Equal(TcpState.FinWait1, s.Connection.State);
        s.In(".", 1, ack: 2);
        Assert.Equal(TcpState.FinWait2, s.Connection.State);
        s.In("F.", 1, ack: 2).Out(".", 2, ack: 2);
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
        s.At(30_000).In(TcpDisposition.Duplicate, "F.", 1, ack: 2).Out(".", 2, ack: 2);
        s.At(89_999).OutNothing();
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
        s.At(90_000);
        Assert.Equal(TcpCloseReason.Normal, s.Connection.CloseReason);
    }

    [Fact]
    public void A_passive_close_goes_through_close_wait_and_last_ack()
    {
        var s = Script.Established();
        s.In("F.", 1, ack: 1, len: 5).Out(".", 1, ack: 7);
        Assert.Equal(TcpState.CloseWait, s.Connection.State);
        Assert.Equal(TcpEvents.Readable | TcpEvents.RemoteClosed, s.Connection.TakeEvents());
        Assert.False(s.Connection.ReadCompleted);
        s.Read();
        Assert.True(s.Connection.ReadCompleted);
        s.Write(10);
        s.Do(c => c.CloseWrite(s.Now));
        s.Out("P.", 1, len: 10);
        s.Out("F.", 11);
        Assert.Equal(TcpState.LastAck, s.Connection.State);
        s.In(".", 7, ack: 12);
        Assert.Equal(TcpState.Closed, s.Connection.State);
        Assert.Equal(TcpDisposition.NoConnection, s.In(".", 7, ack: 12).LastDisposition);
    }

    [Fact]
    public void A_reset_in_time_wait_takes_nothing_from_the_reader()
    {
        var s = Script.Established();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1, ack: 1);
        s.In("F.", 1, ack: 2, len: 5).Out(".", 2, ack: 7);
        s.In(TcpDisposition.Ignored, "R", 7);
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
        Assert.Equal(5, s.Connection.ReadableBytes);
    }

    [Fact]
    public void Both_may_close_at_once()
    {
        var s = Script.Established();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1);
        s.In("F.", 1, ack: 1).Out(".", 2, ack: 2);
        Assert.Equal(TcpState.Closing, s.Connection.State);
        s.In(".", 2, ack: 2);
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
    }

    [Fact]
    public void A_fin_and_ack_of_ours_in_one_segment_lead_to_time_wait()
    {
        var s = Script.Established();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1);
        s.In("F.", 1, ack: 2).Out(".", 2, ack: 2);
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
    }

    [Fact]
    public void After_a_half_close_the_peer_may_go_on_sending()
    {
        var s = Script.Established(mss: 1000);
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1);
        Assert.Equal(0, s.Write(1));
        s.In(".", 1, ack: 2, len: 1000).In(".", 1001, ack: 2, len: 1000).Out(".", 2, ack: 2001);
        Assert.Equal(2000, s.Read().Length);
    }

    [Fact]
    public void A_fin_ahead_of_a_gap_waits_for_it()
    {
        var s = Script.Established();
        s.In("F.", 101, ack: 1, len: 100).Out(".", 1, ack: 1);
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.In(".", 1, ack: 1, len: 100).Out(".", 1, ack: 202);
        Assert.Equal(TcpState.CloseWait, s.Connection.State);
        Assert.Equal(200, s.Read().Length);
    }

    [Fact]
    public void A_lost_fin_is_sent_again()
    {
        var s = Script.Established();
        s.Write(10);
        s.Out("P.", 1, len: 10);
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 11);
        s.In(".", 1, ack: 11);
        s.ToDeadline();
        s.Out("F.", 11);
    }

    [Fact]
    public void A_close_in_syn_received_waits_for_established()
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.", 0);
        s.Do(c => c.CloseWrite(s.Now)).OutNothing();
        Assert.Equal(TcpState.SynReceived, s.Connection.State);
        s.In(".", 1, ack: 1).Out("F.", 1);
        Assert.Equal(TcpState.FinWait1, s.Connection.State);
    }

    [Fact]
    public void A_close_in_syn_sent_ends_it()
    {
        var s = new Script().Connect();
        s.Out("S", 0);
        s.Do(c => c.CloseWrite(s.Now)).OutNothing();
        Assert.Equal(TcpState.Closed, s.Connection.State);
    }

    [Fact]
    public void An_abort_sends_one_rst()
    {
        var s = Script.Established();
        s.Write(10);
        s.Out("P.", 1);
        s.Do(c => c.Abort(s.Now)).Out("R.", 11, ack: 1);
        s.Do(c => c.Abort(s.Now)).OutNothing();
        Assert.Equal(TcpCloseReason.Aborted, s.Connection.CloseReason);
        Assert.Equal(0, s.Connection.Statistics.RingBytes);
    }

    [Fact]
    public void Closing_with_unread_bytes_or_data_after_it_resets()
    {
        var s = Script.Established();
        s.In(".", 1, ack: 1, len: 10);
        s.Do(c => c.Close(s.Now)).Out("R.", 1);

        var later = Script.Established();
        later.Do(c => c.Close(later.Now)).Out("F.", 1);
        later.In(".", 1, ack: 2, len: 10).Out("R.", 2);
        Assert.Equal(TcpCloseReason.DataAfterClose, later.Connection.CloseReason);
    }

    [Fact]
    public void Without_a_reader_fin_wait_2_ends()
    {
        var s = Script.Established();
        s.Do(c => c.Close(s.Now)).Out("F.", 1);
        s.In(".", 1, ack: 2);
        s.At(59_999);
        Assert.Equal(TcpState.FinWait2, s.Connection.State);
        s.At(60_000);
        Assert.Equal(TcpCloseReason.TimedOut, s.Connection.CloseReason);
    }

    [Fact]
    public void Time_wait_gives_way_to_a_newer_syn()
    {
        var s = Script.Established();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1);
        s.In("F.", 1, ack: 2).Out(".", 2);
        s.In(TcpDisposition.Challenged, "S", 0).Out(".", 2, ack: 2);
        s.In(TcpDisposition.Reopen, "S", 100).OutNothing();
    }
}

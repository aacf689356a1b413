namespace Baton.Tcp.Tests;

public class LingerTests
{
    private static readonly TcpSettings Settings = TcpSettings.Default with { Timestamps = false };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_closed_connection_whose_peer_keeps_its_window_shut_is_reset_in_the_end(bool peerClosesFirst)
    {
        var s = Shut(peerClosesFirst);
        AnswerProbesUntilClosed(s);
        Assert.Equal(TcpCloseReason.StalledAfterClose, s.Connection.CloseReason);
        Assert.Equal(Settings.StalledCloseTimeout, s.Now - (Baton.Wire.Instant.Zero + TimeSpan.FromSeconds(1000)));
        Assert.Contains(s.OutAll(), e => e.Header.Has(Baton.Wire.TcpFlags.Rst));
    }

    [Fact]
    public void Whatever_the_peer_takes_begins_the_time_anew()
    {
        var s = Shut(peerClosesFirst: false);
        s.At(100_000);
        s.In(".", 1, ack: 1, window: 10);
        s.At(101_000);
        s.In(".", 1, ack: 11, window: 0);
        s.At(220_999);
        Assert.Equal(TcpState.FinWait1, s.Connection.State);
        s.At(221_000);
        Assert.Equal(TcpCloseReason.StalledAfterClose, s.Connection.CloseReason);
    }

    [Fact]
    public void While_the_application_only_stopped_writing_a_shut_window_is_its_own_affair()
    {
        var s = Script.Established(Settings);
        s.In(".", 1, ack: 1, window: 0);
        s.Write(100);
        s.Do(c => c.CloseWrite(s.Now));
        for (int i = 0; i < 40; i++)
        {
            s.ToDeadline();
            s.OutAll();
            s.In(".", 1, ack: 1, window: 0);
        }

        Assert.Equal(TcpState.FinWait1, s.Connection.State);
    }

    [Fact]
    public void With_a_linger_of_zero_a_close_is_an_abort()
    {
        var s = Script.Established(Settings with { Linger = TimeSpan.Zero });
        s.Write(10);
        s.Out("P.", 1);
        s.Do(c => c.Close(s.Now)).Out("R.", 11, ack: 1);
        Assert.Equal(TcpCloseReason.Aborted, s.Connection.CloseReason);
    }

    [Fact]
    public void With_a_linger_of_zero_time_wait_lasts_all_the_same()
    {
        var s = Script.Established(Settings with { Linger = TimeSpan.Zero });
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 1);
        s.In("F.", 1, ack: 2).Out(".", 2, ack: 2);
        s.Do(c => c.Close(s.Now)).OutNothing();
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
    }

    [Fact]
    public void A_linger_is_a_bound_on_the_whole_close_whatever_progress_there_is()
    {
        var s = Shut(peerClosesFirst: false, TimeSpan.FromSeconds(5));
        s.At(4000);
        s.In(".", 1, ack: 1, window: 10);
        s.At(4500);
        s.In(".", 1, ack: 11, window: 0);
        s.At(4999);
        s.OutAll();
        Assert.Equal(TcpState.FinWait1, s.Connection.State);
        s.At(5000).Out("R.");
        Assert.Equal(TcpCloseReason.LingerExpired, s.Connection.CloseReason);
    }

    [Fact]
    public void What_ends_in_time_ends_as_ever()
    {
        var s = Script.Established(Settings with { Linger = TimeSpan.FromSeconds(5) });
        s.Do(c => c.Close(s.Now)).Out("F.", 1);
        s.In("F.", 1, ack: 2).Out(".", 2, ack: 2);
        s.At(59_999);
        Assert.Equal(TcpState.TimeWait, s.Connection.State);
        s.At(60_000);
        Assert.Equal(TcpCloseReason.Normal, s.Connection.CloseReason);
    }

    [Fact]
    public void The_bound_moves_with_a_connection_that_is_closing()
    {
        var s = Shut(peerClosesFirst: false, TimeSpan.FromSeconds(5));
        s.At(2000);
        s.Move(TimeSpan.FromMinutes(1));
        s.At(64_999);
        Assert.Equal(TcpState.FinWait1, s.Connection.State);
        s.At(65_000);
        Assert.Equal(TcpCloseReason.LingerExpired, s.Connection.CloseReason);
    }

    /// <summary>Closed with 100 bytes left and the peer's window at zero.</summary>
    private static Script Shut(bool peerClosesFirst, TimeSpan? linger = null)
    {
        var s = Script.Established(Settings with { Linger = linger });
        s.In(peerClosesFirst ? "F." : ".", 1, ack: 1, window: 0);
        s.OutAll();
        s.Write(100);
        s.Do(c => c.Close(s.Now)).OutNothing();
        return s;
    }

    private static void AnswerProbesUntilClosed(Script s)
    {
        bool fin = s.Connection.State == TcpState.LastAck;
        for (int i = 0; i < 100; i++)
        {
            s.ToDeadline();
            if (s.Connection.State == TcpState.Closed)
            {
                return;
            }

            s.OutAll();
            s.In(".", fin ? 2 : 1, ack: 1, window: 0);
        }
    }
}

namespace Baton.Tcp.Tests;

public class UserTimeoutTests
{
    private static readonly TcpSettings TenSeconds = TcpSettings.Default with { Timestamps = false, UserTimeout = TimeSpan.FromSeconds(10) };

    [Fact]
    public void A_silent_peer_is_given_up_at_the_user_timeout_and_not_at_a_retransmission()
    {
        var s = Script.Established(TenSeconds);
        s.At(1000);
        s.Write(10);
        s.At(10_999);
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.OutAll();
        s.At(11_000).OutNothing();
        Assert.Equal((TcpState.Closed, TcpCloseReason.UserTimeout), (s.Connection.State, s.Connection.CloseReason));
    }

    [Fact]
    public void Progress_begins_the_time_anew()
    {
        var s = Script.Established(TenSeconds);
        s.Write(1000);
        s.At(9000).In(".", 1, ack: 501);
        s.At(18_999);
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.At(19_000);
        Assert.Equal(TcpCloseReason.UserTimeout, s.Connection.CloseReason);
    }

    [Fact]
    public void A_closed_window_counts_though_the_peer_answers_every_probe()
    {
        var s = Script.Established(TenSeconds);
        s.In(".", 1, ack: 1, window: 0);
        s.Write(100);
        for (int i = 0; s.Connection.State == TcpState.Established && i < 100; i++)
        {
            s.ToDeadline();
            if (s.OutAll().Count > 0)
            {
                s.In(".", 1, ack: 1, window: 0);
            }
        }

        Assert.Equal(TcpCloseReason.UserTimeout, s.Connection.CloseReason);
        Assert.Equal(TimeSpan.FromSeconds(10), s.Now - (Baton.Wire.Instant.Zero + TimeSpan.FromSeconds(1000)));
    }

    [Fact]
    public void An_idle_connection_has_no_user_timeout()
    {
        var s = Script.Established(TenSeconds);
        s.Write(10);
        s.Out("P.", 1);
        s.In(".", 1, ack: 11);
        Assert.Equal(Baton.Wire.Instant.Never, s.Connection.NextDeadline);
        s.At(3_600_000);
        s.Write(10);
        s.At(3_609_999);
        Assert.Equal(TcpState.Established, s.Connection.State);
    }

    [Fact]
    public void A_connect_is_given_up_too()
    {
        var s = new Script(TenSeconds).Connect();
        s.At(10_000);
        Assert.Equal(TcpCloseReason.UserTimeout, s.Connection.CloseReason);
    }

    [Fact]
    public void What_is_left_of_it_moves_and_time_on_the_way_does_not_count()
    {
        var s = Script.Established(TcpSettings.Default with { Timestamps = false });
        s.Do(c => c.UserTimeout = TimeSpan.FromSeconds(10));
        s.Write(10);
        s.At(4000);
        s.Move(TimeSpan.FromSeconds(100));
        Assert.Equal(TimeSpan.FromSeconds(10), s.Connection.UserTimeout);
        s.At(109_999);
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.At(110_000);
        Assert.Equal(TcpCloseReason.UserTimeout, s.Connection.CloseReason);
    }
}

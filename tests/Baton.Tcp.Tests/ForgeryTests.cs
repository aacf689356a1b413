namespace Baton.Tcp.Tests;

/// <summary>RFC 5961: what may be forged is answered, not believed.</summary>
public class ForgeryTests
{
    [Fact]
    public void A_rst_counts_only_with_the_exact_number()
    {
        var s = Script.Established();
        s.In(TcpDisposition.Ignored, "R", 0);
        s.In(TcpDisposition.Ignored, "R", 10_000_000);
        s.OutNothing();
        s.In(TcpDisposition.Challenged, "R", 2).Out(".", 1, ack: 1);
        s.In(TcpDisposition.Reset, "R", 1);
        Assert.Equal(TcpCloseReason.ResetByPeer, s.Connection.CloseReason);
    }

    [Fact]
    public void A_syn_in_a_connection_is_challenged()
    {
        var s = Script.Established();
        s.In(TcpDisposition.Challenged, "S", 500).Out(".", 1, ack: 1);
        s.In(TcpDisposition.Challenged, "S", 0).Out(".", 1, ack: 1);
        Assert.Equal(TcpState.Established, s.Connection.State);
    }

    [Fact]
    public void An_ack_outside_what_was_sent_is_challenged()
    {
        var s = Script.Established();
        s.In(TcpDisposition.Challenged, ".", 1, ack: 2, len: 10).Out(".", 1, ack: 1);
        s.In(TcpDisposition.Challenged, ".", 1, ack: -100_000, len: 10).Out(".", 1, ack: 1);
        Assert.Equal(0, s.Connection.ReadableBytes);
    }

    [Fact]
    public void An_old_ack_within_the_window_brings_its_data()
    {
        var s = Script.Established();
        s.Write(10);
        s.Out("P.", 1);
        s.In(".", 1, ack: 11);
        s.In(TcpDisposition.Accepted, ".", 1, ack: 1, len: 10);
        Assert.Equal(10, s.Connection.ReadableBytes);
    }

    [Fact]
    public void Challenges_are_limited()
    {
        var s = Script.Established();
        for (int i = 0; i < ChallengeLimit.PerPeriod; i++)
        {
            s.In(TcpDisposition.Challenged, "R", 2).Out(".", 1);
        }

        s.In(TcpDisposition.RateLimited, "R", 2).OutNothing();
        s.At(5001).In(TcpDisposition.Challenged, "R", 2).Out(".", 1);
    }

    [Fact]
    public void Segments_without_ack_are_ignored()
    {
        var s = Script.Established();
        s.In(TcpDisposition.Ignored, "", 1, len: 10).OutNothing();
        Assert.Equal(0, s.Connection.ReadableBytes);
    }

    [Fact]
    public void A_keep_alive_probe_of_the_peer_is_answered()
    {
        var s = Script.Established();
        s.In(TcpDisposition.OutOfWindow, ".", 0, ack: 1).Out(".", 1, ack: 1);
    }

    [Fact]
    public void Known_text_is_answered_at_once()
    {
        var s = Script.Established();
        s.In(".", 1, ack: 1, len: 10);
        s.At(40).Out(".", 1, ack: 11);
        s.In(TcpDisposition.Duplicate, ".", 1, ack: 1, len: 10).Out(".", 1, ack: 11);
    }
}

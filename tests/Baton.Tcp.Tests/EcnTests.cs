using Baton.Wire;

namespace Baton.Tcp.Tests;

public class EcnTests
{
    private const TcpFlags Asks = TcpFlags.Ece | TcpFlags.Cwr;

    [Fact]
    public void Both_sides_agree_by_their_syns_and_only_new_data_are_capable()
    {
        var (left, right, now) = Pair(EcnMode.Request, EcnMode.Answer);
        Assert.True(left.Ecn.On && right.Ecn.On);
        left.Write(new byte[100]);
        Assert.True(left.TryEmit(now, 0, out var data));
        Assert.Equal(EcnCodepoint.Capable, data.Ecn);
        right.OnSegment(now, data.Header, data.Payload, EcnCodepoint.Congested);
        right.KickAfterMove(now);
        Assert.True(right.TryEmit(now, 0, out var ack));
        Assert.Equal((EcnCodepoint.NotCapable, TcpFlags.Ack | TcpFlags.Ece), (ack.Ecn, ack.Header.Flags));
    }

    [Theory]
    [InlineData(EcnMode.Answer, EcnMode.Answer)]
    [InlineData(EcnMode.Request, EcnMode.Off)]
    [InlineData(EcnMode.Off, EcnMode.Request)]
    public void Unless_one_asks_and_the_other_agrees_it_is_not_used(EcnMode opener, EcnMode other)
    {
        var (left, right, _) = Pair(opener, other);
        Assert.False(left.Ecn.On || right.Ecn.On);
    }

    [Fact]
    public void A_pending_echo_and_a_pending_cwr_move_with_the_connection()
    {
        var (left, right, now) = Pair(EcnMode.Request, EcnMode.Answer);
        right.Write(new byte[5000]);
        while (right.TryEmit(now, 0, out _))
        {
        }

        left.Write(new byte[100]);
        left.TryEmit(now, 0, out var data);
        right.OnSegment(now, data.Header, data.Payload, EcnCodepoint.Congested);
        var echo = data.Header;
        echo.Sequence = right.Sequence.RcvNxt;
        echo.Flags |= TcpFlags.Ece;
        echo.Acknowledgment = right.Sequence.SndNxt;
        right.OnSegment(now, echo, []);
        Assert.Equal(1, right.Counters.EcnReductions);
        right.Freeze(now);
        Assert.True(TcpConnection.TryRestore(right.ToImage(now), right.Settings, now, out var moved));
        moved.Thaw(now);
        moved.Write(new byte[100]);
        Assert.True(moved.TryEmit(now, 0, out var next));
        Assert.Equal(Asks, next.Header.Flags & Asks);
    }

    private static (TcpConnection Left, TcpConnection Right, Instant Now) Pair(EcnMode opener, EcnMode other)
    {
        var now = Instant.Zero + TimeSpan.FromSeconds(5);
        var left = TcpConnection.Connect(TcpSettings.Default with { Ecn = opener }, Script.Tuple, new(10), 0, now);
        left.TryEmit(now, 0, out var syn);
        var right = TcpConnection.Accept(TcpSettings.Default with { Ecn = other, NoDelay = true }, Script.Tuple.Reversed, syn.Header, new(20), 0, now);
        right.TryEmit(now, 0, out var answer);
        left.OnSegment(now, answer.Header, []);
        left.TryEmit(now, 0, out var ack);
        right.OnSegment(now, ack.Header, []);
        return (left, right, now);
    }
}

using Baton.Wire;

namespace Baton.Tcp.Tests;

public class AccurateEcnTests
{
    private static readonly TcpSettings Asks = TcpSettings.Default with { Ecn = EcnMode.Request, AccurateEcn = true };
    private static readonly TcpSettings Answers = TcpSettings.Default with { Ecn = EcnMode.Answer, AccurateEcn = true, NoDelay = true };

    [Theory]
    [InlineData(EcnCodepoint.NotCapable, 0b010)]
    [InlineData(EcnCodepoint.Capable1, 0b011)]
    [InlineData(EcnCodepoint.Capable, 0b100)]
    [InlineData(EcnCodepoint.Congested, 0b110)]
    public void The_syn_ack_and_its_ack_tell_how_the_others_syn_was_marked(byte mark, int field)
    {
        var ends = new Ends(Asks, Answers, mark, mark);
        Assert.Equal(0b111, AccurateEcn.FieldOf(ends.Syn));
        Assert.Equal(field, AccurateEcn.FieldOf(ends.SynAck));
        Assert.Equal(field, AccurateEcn.FieldOf(ends.Ack));
        Assert.NotNull(ends.Left.Ecn.Accurate);
        Assert.NotNull(ends.Right.Ecn.Accurate);
        Assert.Equal(mark == EcnCodepoint.Congested ? 1 : 0, ends.Right.Counters.EcnMarks);
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    [InlineData(false, false, true)]
    public void Where_one_knows_only_the_classic_feedback_that_is_used(bool left, bool right, bool classic)
    {
        var ends = new Ends(Asks with { AccurateEcn = left }, Answers with { AccurateEcn = right });
        Assert.Null(ends.Left.Ecn.Accurate);
        Assert.Null(ends.Right.Ecn.Accurate);
        Assert.Equal((classic, classic), (ends.Left.Ecn.On, ends.Right.Ecn.On));
    }

    [Fact]
    public void A_peer_without_ecn_gets_none()
    {
        var ends = new Ends(Asks, Answers with { Ecn = EcnMode.Off });
        Assert.False(ends.Left.Ecn.On || ends.Right.Ecn.On);
        Assert.Null(ends.Left.Ecn.Accurate);
    }

    [Fact]
    public void Each_mark_is_counted_and_told_at_once_and_the_window_falls_once_a_round_trip()
    {
        var ends = new Ends(Asks, Answers);
        ends.Left.Write(new byte[14_000]);
        int window = ends.Left.Statistics.CongestionWindow;
        var sent = new List<(TcpHeader Header, byte[] Text)>();
        while (ends.Left.TryEmit(ends.Now, 0, out var data))
        {
            Assert.Equal(EcnCodepoint.Capable, data.Ecn);
            sent.Add((data.Header, [.. data.Payload, .. data.MorePayload]));
        }

        for (int i = 0; i < 3; i++)
        {
            ends.Right.OnSegment(ends.Now, sent[i].Header, sent[i].Text, EcnCodepoint.Congested);
            Assert.True(ends.Right.TryEmit(ends.Now, 0, out var ack));
            Assert.Equal((6 + i) & 7, AccurateEcn.FieldOf(ack.Header.Flags));
            ends.Left.OnSegment(ends.Now, ack.Header, []);
        }

        Assert.Equal((3, 1), (ends.Left.Counters.EcnMarks, ends.Left.Counters.EcnReductions));
        Assert.True(ends.Left.Statistics.CongestionWindow < window);
    }

    [Fact]
    public void The_count_goes_round_after_seven()
    {
        var ends = new Ends(Asks, Answers);
        for (int i = 0; i < 10; i++)
        {
            ends.Left.Write(new byte[100]);
            Assert.True(ends.Left.TryEmit(ends.Now, 0, out var data));
            ends.Right.OnSegment(ends.Now, data.Header, data.Payload, EcnCodepoint.Congested);
            Assert.True(ends.Right.TryEmit(ends.Now, 0, out var ack));
            ends.Left.OnSegment(ends.Now, ack.Header, []);
        }

        Assert.Equal(10, ends.Left.Counters.EcnMarks);
    }

    [Fact]
    public void A_field_that_the_path_clears_ends_it()
    {
        var ends = new Ends(Asks, Answers, clear: true);
        Assert.False(ends.Right.Ecn.On);
        ends.Right.Write(new byte[100]);
        Assert.True(ends.Right.TryEmit(ends.Now, 0, out var data));
        Assert.Equal(EcnCodepoint.NotCapable, data.Ecn);
    }

    [Fact]
    public void Both_counts_move_with_the_connection()
    {
        var ends = new Ends(Asks, Answers);
        ends.Left.Write(new byte[100]);
        ends.Left.TryEmit(ends.Now, 0, out var data);
        ends.Right.OnSegment(ends.Now, data.Header, data.Payload, EcnCodepoint.Congested);
        ends.Right.Freeze(ends.Now);
        Assert.True(TcpConnection.TryRestore(ends.Right.ToImage(ends.Now), TcpSettings.Default, ends.Now, out var moved));
        moved.Thaw(ends.Now);
        moved.KickAfterMove(ends.Now);
        Assert.True(moved.TryEmit(ends.Now, 0, out var ack));
        Assert.Equal(6, AccurateEcn.FieldOf(ack.Header.Flags));
    }

    [Fact]
    public void A_segment_whose_field_looks_like_cwr_is_not_left_to_a_device_to_cut()
    {
        var ends = new Ends(Asks, Answers);
        ends.Left.Write(new byte[100]);
        ends.Left.TryEmit(ends.Now, 0, out var data);
        ends.Right.Write(new byte[10_000]);
        Assert.True(ends.Right.TryEmit(ends.Now, 65_535, out var before));
        Assert.NotEqual(0, before.SegmentSize);
        ends.Right.OnSegment(ends.Now, data.Header, data.Payload, EcnCodepoint.Congested);
        Assert.True(ends.Right.TryEmit(ends.Now, 65_535, out var after));
        Assert.Equal((6, (ushort)0), (AccurateEcn.FieldOf(after.Header.Flags), after.SegmentSize));
    }

    /// <summary>Two connections after their handshake.</summary>
    private sealed class Ends
    {
        public Ends(TcpSettings left, TcpSettings right, byte synMark = 0, byte synAckMark = 0, bool clear = false)
        {
            Left = TcpConnection.Connect(left, Script.Tuple, new(10), 0, Now);
            Left.TryEmit(Now, 0, out var syn);
            Right = TcpConnection.Accept(right, Script.Tuple.Reversed, syn.Header, new(20), 0, Now, synMark);
            Right.TryEmit(Now, 0, out var answer);
            Left.OnSegment(Now, answer.Header, [], synAckMark);
            Left.TryEmit(Now, 0, out var ack);
            (Syn, SynAck, Ack) = (syn.Header.Flags, answer.Header.Flags, ack.Header.Flags);
            var header = ack.Header;
            header.Flags &= clear ? ~(TcpFlags.Ae | TcpFlags.Cwr | TcpFlags.Ece) : ~TcpFlags.None;
            Right.OnSegment(Now, header, []);
        }

        public Instant Now { get; } = Instant.Zero + TimeSpan.FromSeconds(5);

        public TcpConnection Left { get; }

        public TcpConnection Right { get; }

        public TcpFlags Syn { get; }

        public TcpFlags SynAck { get; }

        public TcpFlags Ack { get; }
    }
}

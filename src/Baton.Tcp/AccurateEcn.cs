using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// More accurate ECN feedback (RFC 9768): the flags AE, CWR and ECE together are the ACE field. On SYN-ACK and on the ACK
/// of it the field tells how the other's SYN was marked, from then on how many marked packets came, modulo eight. So the
/// sender learns of each mark, not only that there was one.
/// </summary>
internal sealed class AccurateEcn
{
    /// <summary>The counters' beginning, which no classic answer looks like (§3.2.1).</summary>
    private const int Initial = 5;
    private const int FieldMask = 7;

    /// <summary>Of the count only the field is needed; above it one more bit says that there is one.</summary>
    private const int Counts = 8;

    [InSnapshot(nameof(TcpSnapshot.EcnReceived))]
    private int _received = Counts | Initial;

    [InSnapshot(nameof(TcpSnapshot.EcnReported))]
    private int _reported = Initial;

    [NotInSnapshot("of the handshake: only what is established moves")]
    private byte _synMark;

    [NotInSnapshot("of the handshake: only what is established moves")]
    private bool _tellsMark;

    [NotInSnapshot("of the handshake: only what is established moves")]
    private bool _awaitsFirst;

    /// <summary>Marked packets that came, from 5 on, modulo eight (r.cep); never 0.</summary>
    public int Received => _received;

    /// <summary>The peer's count as far as it is known, modulo eight (s.cep).</summary>
    public int Reported => _reported;

    /// <summary>The three flags of a header as a number, AE first.</summary>
    public static int FieldOf(TcpFlags flags) =>
        ((flags & TcpFlags.Ae) != 0 ? 4 : 0) | ((flags & TcpFlags.Cwr) != 0 ? 2 : 0) | ((flags & TcpFlags.Ece) != 0 ? 1 : 0);

    /// <summary>Whether a SYN-ACK's field agrees (§3.1.1, table 2).</summary>
    public static bool Agrees(int field) => field is 0b010 or 0b011 or 0b100 or 0b110;

    /// <summary>We are the server, and the SYN came so marked.</summary>
    public void OnSyn(byte mark) => (_synMark, _awaitsFirst) = (mark, true);

    /// <summary>We are the client, and the SYN-ACK came so marked: the next segment tells (§3.2.2.1).</summary>
    public void OnSynAck(byte mark)
    {
        (_synMark, _tellsMark) = (mark, true);
        _ = OnReceived(mark);
    }

    /// <summary>A packet came; true when it was marked.</summary>
    public bool OnReceived(byte mark)
    {
        bool marked = mark == EcnCodepoint.Congested;
        _received = Counts | ((_received + (marked ? 1 : 0)) & FieldMask);
        return marked;
    }

    /// <summary>The field of our SYN-ACK, or of the first segment after the peer's (§3.1.1, table 2; §3.2.2.1, table 3).</summary>
    public TcpFlags SynFlags() => FlagsOf(_synMark switch
    {
        EcnCodepoint.Capable1 => 0b011,
        EcnCodepoint.Capable => 0b100,
        EcnCodepoint.Congested => 0b110,
        _ => 0b010,
    });

    /// <summary>The field of any other segment.</summary>
    public TcpFlags Flags()
    {
        if (!_tellsMark)
        {
            return FlagsOf(_received & FieldMask);
        }

        _tellsMark = false;
        return SynFlags();
    }

    /// <summary>
    /// An acknowledgment: how many marks it tells of (§3.2.2.5.1: at least). <paramref name="cleared"/>: the first one's field
    /// is zero, which no such peer sends; something on the path clears it, and marks would go unheard (§3.2.2.4).
    /// </summary>
    public int OnFeedback(TcpFlags flags, out bool cleared)
    {
        int field = FieldOf(flags);
        cleared = false;
        if (_awaitsFirst)
        {
            // §3.2.2.1, table 4: the SYN-ACK was marked, or not.
            _awaitsFirst = false;
            cleared = field == 0;
            _reported = field == 0b110 ? Initial + 1 : Initial;
            return field == 0b110 ? 1 : 0;
        }

        int marks = (field - _reported) & FieldMask;
        _reported = field;
        return marks;
    }

    /// <summary>Takes what a snapshot says.</summary>
    public void Restore(int received, int reported) => (_received, _reported) = (received, reported);

    private static TcpFlags FlagsOf(int field) =>
        ((field & 4) != 0 ? TcpFlags.Ae : 0) | ((field & 2) != 0 ? TcpFlags.Cwr : 0) | ((field & 1) != 0 ? TcpFlags.Ece : 0);
}

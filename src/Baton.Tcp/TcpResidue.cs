using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// What of a connection in TIME-WAIT somebody else needs to answer in its place (RFC 9293 §3.10.7.4, RFC 6191): a few
/// numbers, since nothing is left to be sent or read. Bytes on the wire are big-endian and exactly <see cref="Length"/>.
/// </summary>
/// <param name="SendNext">SND.NXT.</param>
/// <param name="ReceiveNext">RCV.NXT.</param>
/// <param name="Window">Bytes promised beyond RCV.NXT: a right edge is not taken back.</param>
/// <param name="WindowScale">Our window shift.</param>
/// <param name="TimestampsOn">Whether timestamps are used.</param>
/// <param name="TsValue">TSval at the time of writing; the clock goes on from it.</param>
/// <param name="TsRecent">TS.Recent.</param>
/// <param name="TsRecentAge">Its age.</param>
/// <param name="Remaining">What is left of TIME-WAIT.</param>
internal readonly record struct TcpResidue(
    SeqNum SendNext,
    SeqNum ReceiveNext,
    int Window,
    int WindowScale,
    bool TimestampsOn,
    uint TsValue,
    uint TsRecent,
    TimeSpan TsRecentAge,
    TimeSpan Remaining)
{
    public const int Length = 4 + 4 + 4 + 1 + 1 + 4 + 4 + 8 + 8;

    private const int MaxWindow = TcpSettings.MaxBufferLimit - 1;

    public static TcpResidue Of(TcpConnection c, Instant now)
    {
        var s = c.ToSnapshot(now);
        long receiveNext = c.Receiver.Nxt;

        // With what the ACK that may be due here will promise.
        var window = c.Receiver.Window;
        window.Announce(receiveNext, c.Receiver.Queue.ReadPosition, unscaled: false);
        return new(
            s.Iss + (uint)s.SndNxt,
            s.Irs + (uint)receiveNext,
            (int)Math.Clamp(window.Edge - receiveNext, 0, MaxWindow),
            s.RcvWindowScale,
            s.TimestampsOn,
            s.TsValue,
            s.TsRecent,
            s.TsRecentAge,
            s.Timers[(int)TimerKind.Linger] ?? TimeSpan.Zero);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, SendNext.Value);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), ReceiveNext.Value);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), Window);
        bytes[12] = (byte)WindowScale;
        bytes[13] = TimestampsOn ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(14), TsValue);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(18), TsRecent);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(22), TsRecentAge.Ticks);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(30), Remaining.Ticks);
        return bytes;
    }

    /// <summary>Strict: false for another length, and for what no connection can have.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out TcpResidue residue)
    {
        residue = default;
        if (bytes.Length != Length || bytes[13] > 1)
        {
            return false;
        }

        residue = new(
            new(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
            new(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..])),
            BinaryPrimitives.ReadInt32BigEndian(bytes[8..]),
            bytes[12],
            bytes[13] == 1,
            BinaryPrimitives.ReadUInt32BigEndian(bytes[14..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[18..]),
            new(BinaryPrimitives.ReadInt64BigEndian(bytes[22..])),
            new(BinaryPrimitives.ReadInt64BigEndian(bytes[30..])));
        return residue.Window is >= 0 and <= MaxWindow && residue.WindowScale <= 14;
    }

    /// <summary>A frozen connection in TIME-WAIT, which both streams have left behind: SYN at position 0, FIN at position 1.</summary>
    public bool TryRestore(in FourTuple tuple, TcpSettings settings, Instant now, [NotNullWhen(true)] out TcpConnection? connection)
    {
        const int Syn = 0, Fin = 1, Next = 2;
        var snapshot = new TcpSnapshot
        {
            Tuple = tuple,
            State = TcpState.TimeWait,
            NobodyReads = true,
            Passive = true,
            PeerMss = Handshake.MinMss,
            PathMss = Handshake.MinMss,
            SndMss = Handshake.MinMss,
            Iss = SendNext - (Next - Syn),
            SndUna = Next,
            SndNxt = Next,
            FinPosition = Fin,
            SendQueue = new(Fin, default, default),
            Rto = settings.InitialRto,
            Irs = ReceiveNext - (Next - Syn),
            RemoteFinPosition = Fin,
            ReceiveQueue = new(Fin, default, default),
            LastAckSent = Next,
            RcvEdge = Next + Window,
            RcvWindowScale = WindowScale,
            ScalingOn = WindowScale > 0,
            ReceiveLimit = TcpSettings.MinBufferLimit,
            TimestampsOn = TimestampsOn,
            TsValue = TsValue,
            TsRecent = TsRecent,
            TsRecentAge = TsRecentAge,
        };

        // What another node says does not make it last longer than it would here.
        snapshot.Timers[(int)TimerKind.Linger] = Remaining < settings.TimeWaitLength ? Remaining : settings.TimeWaitLength;
        return TcpSnapshotMapping.TryRestore(snapshot, default, settings, now, out connection);
    }
}

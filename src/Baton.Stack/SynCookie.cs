using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// A connection request as an initial sequence number (Bernstein, 1996; RFC 4987 §3.6): a keyed hash of the flow, the
/// client's number and the minute, with the class of its MSS. What else the SYN offered stands in the low bits of the
/// timestamp that the client echoes.
/// </summary>
internal static class SynCookie
{
    /// <summary>Bits of a timestamp that carry options.</summary>
    public const int OptionBits = 6;

    private const uint IndexMask = 7;
    private const uint OptionMask = (1 << OptionBits) - 1;
    private const uint NoScale = 0xF;
    private const uint SackBit = 0x10;
    private const uint EcnBit = 0x20;
    private const int MaxAge = 2;

    /// <summary>A cookie holds for one to two of these (RFC 4987 §3.6: a slowly rising counter).</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(64);

    // The classes of MSS, of both families: the peer's is rounded down to one of them.
    private static ReadOnlySpan<ushort> MssClasses => [88, 536, 1220, 1300, 1380, 1440, 1460, 8940];

    /// <summary>The sequence number of the SYN-ACK.</summary>
    public static SeqNum Encode(in HashKey key, in FourTuple tuple, SeqNum irs, ushort peerMss, Instant now)
    {
        uint index = 0;
        for (int i = 0; i < MssClasses.Length && MssClasses[i] <= peerMss; i++)
        {
            index = (uint)i;
        }

        uint minute = Minute(now);
        return new SeqNum(Base(key, tuple, irs, minute) + (Seal(key, tuple, irs, minute, index) | index));
    }

    /// <summary>Whether we made the sequence number for that client's, not too long ago; then the class of its MSS.</summary>
    public static bool TryDecode(in HashKey key, in FourTuple tuple, SeqNum irs, SeqNum cookie, Instant now, out ushort peerMss)
    {
        peerMss = 0;
        for (uint age = 0; age < MaxAge; age++)
        {
            uint minute = Minute(now) - age;
            uint rest = cookie.Value - Base(key, tuple, irs, minute);
            uint index = rest & IndexMask;
            if (rest == (Seal(key, tuple, irs, minute, index) | index))
            {
                peerMss = MssClasses[(int)index];
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The latest timestamp not after <paramref name="clock"/> whose low bits tell the SYN's options. It is at most 63 ms
    /// old, so that the connection's own clock goes on from it.
    /// </summary>
    public static uint EncodeOptions(uint clock, in TcpOptions offered, bool ecn)
    {
        uint bits = (offered.WindowScale is { } scale ? Math.Min(scale, (byte)14) : NoScale)
            | (offered.SackPermitted ? SackBit : 0)
            | (ecn ? EcnBit : 0);
        uint stamp = clock & ~OptionMask | bits;
        return stamp > clock ? stamp - (1 << OptionBits) : stamp;
    }

    /// <summary>What the SYN offered, from the timestamp echoed.</summary>
    public static void DecodeOptions(uint echo, ref TcpOptions options, out bool ecn)
    {
        uint scale = echo & NoScale;
        options.WindowScale = scale == NoScale ? null : (byte)scale;
        options.SackPermitted = (echo & SackBit) != 0;
        ecn = (echo & EcnBit) != 0;
    }

    private static uint Minute(Instant now) => (uint)(now.Ticks / Period.Ticks);

    /// <summary>Where the sequence numbers of a flow's cookies begin in that minute.</summary>
    private static uint Base(in HashKey key, in FourTuple tuple, SeqNum irs, uint minute) =>
        (minute << 24) + (uint)Hash(key, tuple, irs, minute, uint.MaxValue);

    /// <summary>The part that only we can make, for a class of MSS, whose bits it leaves free: 21 bits.</summary>
    private static uint Seal(in HashKey key, in FourTuple tuple, SeqNum irs, uint minute, uint index) =>
        (uint)Hash(key, tuple, irs, minute, index) & 0xFF_FFFF & ~IndexMask;

    private static ulong Hash(in HashKey key, in FourTuple tuple, SeqNum irs, uint minute, uint index)
    {
        Span<byte> input = stackalloc byte[48];
        int at = tuple.LocalAddress.CopyTo(input);
        at += tuple.RemoteAddress.CopyTo(input[at..]);
        BinaryPrimitives.WriteUInt16BigEndian(input[at..], tuple.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(input[(at + 2)..], tuple.RemotePort);
        BinaryPrimitives.WriteUInt32BigEndian(input[(at + 4)..], irs.Value);
        BinaryPrimitives.WriteUInt32BigEndian(input[(at + 8)..], minute);
        input[at + 12] = (byte)index;
        return SipHash.Compute(key, input[..(at + 13)]);
    }
}

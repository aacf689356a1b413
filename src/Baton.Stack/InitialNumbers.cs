using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>What a new TCP connection starts from: initial sequence number and timestamp offset, by keyed functions.</summary>
internal static class InitialNumbers
{
    /// <summary>ISN = M + F(tuple, key), M rising once in 4 µs (RFC 6528 §3).</summary>
    public static SeqNum SequenceNumber(in StackKeys keys, in FourTuple tuple, Instant now)
    {
        Span<byte> input = stackalloc byte[36];
        int length = WriteAddresses(input, tuple);
        BinaryPrimitives.WriteUInt16BigEndian(input[length..], tuple.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(input[(length + 2)..], tuple.RemotePort);
        uint clock = (uint)(now.Ticks / (4 * TimeSpan.TicksPerMicrosecond));
        return new SeqNum((uint)SipHash.Compute(keys.Sequence, input[..(length + 4)]) + clock);
    }

    /// <summary>
    /// The offset that a connection adds to its timestamp clock: one for each pair of hosts, so that their clocks rise
    /// across connections (RFC 7323 §5.4 and appendix B.2) yet tell nothing of the node's.
    /// </summary>
    public static uint TimestampOffset(in StackKeys keys, in FourTuple tuple)
    {
        Span<byte> input = stackalloc byte[32];
        return (uint)SipHash.Compute(keys.Timestamp, input[..WriteAddresses(input, tuple)]);
    }

    private static int WriteAddresses(Span<byte> destination, in FourTuple tuple)
    {
        int length = tuple.LocalAddress.CopyTo(destination);
        return length + tuple.RemoteAddress.CopyTo(destination[length..]);
    }
}

using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Membership;

/// <summary>
/// One datagram of the load exchange (UDP, lan, port 6083): a member's state, numbered, and what the member has heard from
/// the one that it is sent to, which renews that one's lease.
/// </summary>
/// <param name="State">What the member says about itself.</param>
/// <param name="Sequence">Rises with each datagram of one incarnation, so that a late one is known as such.</param>
/// <param name="Digest">What the member knows about who is home of what, as a number: leases are renewed among those who know the same.</param>
/// <param name="HeardIncarnation">The receiver's start of which the member has heard; 0 for none.</param>
/// <param name="HeardSequence">The last number heard of it.</param>
public readonly record struct LoadDatagram(
    MemberState State, ulong Sequence, ulong Digest = 0, ulong HeardIncarnation = 0, ulong HeardSequence = 0)
{
    /// <summary>The UDP port on the lan.</summary>
    public const ushort Port = 6083;

    /// <summary>Bytes on the wire, always.</summary>
    public const int Length = 64;

    /// <summary>Begins every datagram, so that it is taken for nothing else, neither by a member nor by a tool that guesses.</summary>
    private const ushort Mark = 0xBA70;

    private const byte Version = 2;
    private const byte DrainingFlag = 1;

    /// <summary>Writes <see cref="Length"/> bytes and returns that length.</summary>
    public int Write(Span<byte> destination)
    {
        var to = destination[..Length];
        BinaryPrimitives.WriteUInt16BigEndian(to, Mark);
        to[2] = Version;
        to[3] = State.Draining ? DrainingFlag : (byte)0;
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], State.Node.Value);
        BinaryPrimitives.WriteUInt16BigEndian(to[6..], State.Weight);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], State.Incarnation);
        BinaryPrimitives.WriteUInt64BigEndian(to[16..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(to[24..], State.LiveConnections);
        BinaryPrimitives.WriteUInt32BigEndian(to[28..], State.CpuPermille);
        BinaryPrimitives.WriteUInt64BigEndian(to[32..], State.QueuedBytes);
        BinaryPrimitives.WriteUInt64BigEndian(to[40..], Digest);
        BinaryPrimitives.WriteUInt64BigEndian(to[48..], HeardIncarnation);
        BinaryPrimitives.WriteUInt64BigEndian(to[56..], HeardSequence);
        return Length;
    }

    /// <summary>Reads a datagram; bits and fields without a meaning in this version must be zero.</summary>
    public static DropReason TryRead(ReadOnlySpan<byte> bytes, out LoadDatagram datagram)
    {
        datagram = default;
        if (bytes.Length <= 2 || BinaryPrimitives.ReadUInt16BigEndian(bytes) != Mark)
        {
            return DropReason.MessageMalformed;
        }

        if (bytes[2] != Version)
        {
            return DropReason.MessageVersion;
        }

        if (bytes.Length != Length || (bytes[3] & ~DrainingFlag) != 0)
        {
            return DropReason.MessageMalformed;
        }

        var state = new MemberState(
            Node: new(BinaryPrimitives.ReadUInt16BigEndian(bytes[4..])),
            Incarnation: BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            LiveConnections: BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]),
            QueuedBytes: BinaryPrimitives.ReadUInt64BigEndian(bytes[32..]),
            CpuPermille: BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]),
            Draining: (bytes[3] & DrainingFlag) != 0,
            Weight: BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]));
        if (state.Node == NodeId.None || state.Weight == 0)
        {
            return DropReason.MessageMalformed;
        }

        datagram = new(
            state,
            Sequence: BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
            Digest: BinaryPrimitives.ReadUInt64BigEndian(bytes[40..]),
            HeardIncarnation: BinaryPrimitives.ReadUInt64BigEndian(bytes[48..]),
            HeardSequence: BinaryPrimitives.ReadUInt64BigEndian(bytes[56..]));
        return DropReason.None;
    }
}

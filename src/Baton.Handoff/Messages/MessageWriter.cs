using System.Buffers.Binary;
using System.Diagnostics;
using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>Writes fields in order into exactly the room they need.</summary>
internal ref struct MessageWriter(Span<byte> room)
{
    private Span<byte> _rest = room;

    public void Byte(byte value)
    {
        _rest[0] = value;
        _rest = _rest[1..];
    }

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_rest, value);
        _rest = _rest[2..];
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_rest, value);
        _rest = _rest[4..];
    }

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_rest, value);
        _rest = _rest[8..];
    }

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void Reference(in EncodedReference reference)
    {
        Byte(reference.Length);
        Bytes(reference.Span);
    }

    public void Address(InetAddress address)
    {
        Byte((byte)address.Length);
        _rest = _rest[address.CopyTo(_rest)..];
    }

    public void Flow(in Flow flow)
    {
        Byte((byte)flow.Protocol);
        Byte((byte)flow.Tuple.LocalAddress.Length);
        UInt16(flow.Tuple.LocalPort);
        UInt16(flow.Tuple.RemotePort);
        _rest = _rest[flow.Tuple.LocalAddress.CopyTo(_rest)..];
        _rest = _rest[flow.Tuple.RemoteAddress.CopyTo(_rest)..];
    }

    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_rest);
        _rest = _rest[bytes.Length..];
    }

    /// <summary>Asserts that the room was what the message needed.</summary>
    public readonly void End() => Debug.Assert(_rest.IsEmpty, "a message has exactly the bytes of its kind");
}

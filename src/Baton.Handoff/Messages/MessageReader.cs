using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// Reads fields in order. A read beyond the end gives zero and makes <see cref="IsExact"/> false for good, so that a
/// message is judged once, after its last field.
/// </summary>
internal ref struct MessageReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;
    private bool _failed;

    /// <summary>Whether every field was there and nothing is left.</summary>
    public readonly bool IsExact => !_failed && _rest.IsEmpty;

    /// <summary>Whether a field was missing or wrong: what was read since means nothing.</summary>
    public readonly bool HasFailed => _failed;

    /// <summary>A field is wrong.</summary>
    public void Fail() => _failed = true;

    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    public ushort UInt16() => Take(2) is { Length: 2 } span ? BinaryPrimitives.ReadUInt16BigEndian(span) : (ushort)0;

    public uint UInt32() => Take(4) is { Length: 4 } span ? BinaryPrimitives.ReadUInt32BigEndian(span) : 0;

    public ulong UInt64() => Take(8) is { Length: 8 } span ? BinaryPrimitives.ReadUInt64BigEndian(span) : 0;

    /// <summary>A length or offset of 0 to <paramref name="max"/>.</summary>
    public int Int32(int max)
    {
        uint value = UInt32();
        if (value <= (uint)max)
        {
            return (int)value;
        }

        _failed = true;
        return 0;
    }

    /// <summary>A node; 0 is none and fails.</summary>
    public NodeId Node()
    {
        ushort value = UInt16();
        _failed |= value == 0;
        return new NodeId(value);
    }

    /// <summary>A reason that this node knows.</summary>
    public HandoffReason Reason()
    {
        byte value = Byte();
        _failed |= value > (byte)HandoffReason.Superseded;
        return (HandoffReason)value;
    }

    /// <summary>A truth value, 0 or 1.</summary>
    public bool Flag()
    {
        byte value = Byte();
        _failed |= value > 1;
        return value == 1;
    }

    /// <summary>A reference, one byte of length before it; 0 is none.</summary>
    public EncodedReference Reference()
    {
        int length = Byte();
        if (length <= EncodedReference.MaxLength && Take(length) is var span && span.Length == length)
        {
            return EncodedReference.FromBytes(span);
        }

        _failed = true;
        return default;
    }

    /// <summary>An address: its length in bytes, 4 or 16, before it; an IPv4-mapped one (RFC 4291 §2.5.5.2) has one spelling, four bytes.</summary>
    public InetAddress Address() => Address(Byte());

    /// <summary>A flow: protocol, length of its addresses, ports, addresses.</summary>
    public Flow Flow()
    {
        var protocol = (IpProtocol)Byte();
        byte length = Byte();
        ushort localPort = UInt16();
        ushort remotePort = UInt16();
        var local = Address(length);
        var remote = Address(length);
        _failed |= protocol is not (IpProtocol.Tcp or IpProtocol.Udp);
        return new(protocol, new(local, localPort, remote, remotePort));
    }

    /// <summary>Exactly <paramref name="length"/> bytes.</summary>
    public ReadOnlySpan<byte> Take(int length)
    {
        if (_failed || (uint)length > (uint)_rest.Length)
        {
            _failed = true;
            return default;
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private InetAddress Address(byte length)
    {
        var bytes = Take(length);
        var address = !_failed && length is 4 or 16 ? InetAddress.FromBytes(bytes) : default;
        _failed |= length is not (4 or 16) || address.Length != length;
        return address;
    }

    /// <summary>All that is left.</summary>
    public ReadOnlySpan<byte> Rest() => Take(_rest.Length);
}

using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Baton.Tls;

/// <summary>All that goes along with a TLS 1.3 connection when it moves. Contains secrets: it is to be sealed on its way.</summary>
/// <param name="Session">The record layer.</param>
/// <param name="Protocol">The application protocol that was agreed on (RFC 7301); empty without one.</param>
/// <param name="ServerName">The host that the client asked for (RFC 6066 §3); empty without one.</param>
/// <param name="ClientCertificate">The client's certificate in DER; empty without one.</param>
public sealed record TlsState(SessionState Session, string Protocol, string ServerName, ReadOnlyMemory<byte> ClientCertificate)
{
    private const byte Version = 1;

    [Flags]
    private enum Flag : byte
    {
        None = 0,
        ReadClosed = 1,
        OwesKeyUpdate = 2,
    }

    /// <summary>Writes the state; <see cref="TryRead"/> reads it.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        int length = 1 + 2 + 1 + 1 + 1 + Session.Partial.Length + 8 + 8 + (2 * Session.Suite.HashLength)
            + 1 + Protocol.Length + 2 + ServerName.Length + 4 + ClientCertificate.Length;
        var rest = writer.GetSpan(length);
        PutByte(ref rest, Version);
        PutUInt16(ref rest, Session.Suite.Code);
        PutByte(ref rest, (byte)((Session.ReadClosed ? Flag.ReadClosed : 0) | (Session.OwesKeyUpdate ? Flag.OwesKeyUpdate : 0)));
        PutByte(ref rest, (byte)Session.KeyUpdatesInARow);
        PutByte(ref rest, (byte)Session.Partial.Length);
        Put(ref rest, Session.Partial.Span);
        PutDirection(ref rest, Session.Read);
        PutDirection(ref rest, Session.Write);
        PutByte(ref rest, (byte)Protocol.Length);
        Put(ref rest, Encoding.Latin1.GetBytes(Protocol));
        PutUInt16(ref rest, (ushort)ServerName.Length);
        Put(ref rest, Encoding.Latin1.GetBytes(ServerName));
        BinaryPrimitives.WriteInt32BigEndian(rest, ClientCertificate.Length);
        rest = rest[sizeof(int)..];
        Put(ref rest, ClientCertificate.Span);
        writer.Advance(length);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="bytes">The state, and whatever follows it.</param>
    /// <param name="state">The state.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>False for anything else, a state of another version among it.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out TlsState? state, out int length)
    {
        state = null;
        length = 0;
        var rest = bytes;
        if (!TryTakeByte(ref rest, out byte version) || version != Version
            || !TryTakeUInt16(ref rest, out ushort code) || CipherSuite.Find(code) is not { } suite
            || !TryTakeByte(ref rest, out byte flags) || flags > (byte)(Flag.ReadClosed | Flag.OwesKeyUpdate)
            || !TryTakeByte(ref rest, out byte keyUpdates) || keyUpdates > RecordReader.MaxKeyUpdatesInARow
            || !TryTakeByte(ref rest, out byte partialLength) || partialLength > 4 || !TryTake(ref rest, partialLength, out var partial)
            || !TryTakeDirection(ref rest, suite, out var read)
            || !TryTakeDirection(ref rest, suite, out var write)
            || !TryTakeByte(ref rest, out byte protocolLength) || !TryTake(ref rest, protocolLength, out var protocol)
            || !TryTakeUInt16(ref rest, out ushort nameLength) || !TryTake(ref rest, nameLength, out var name)
            || rest.Length < sizeof(int) || !TryTake(ref rest, sizeof(int), out var certificateLength)
            || !TryTake(ref rest, BinaryPrimitives.ReadInt32BigEndian(certificateLength), out var certificate))
        {
            return false;
        }

        length = bytes.Length - rest.Length;
        state = new TlsState(
            new SessionState(
                suite,
                read,
                write,
                ((Flag)flags & Flag.ReadClosed) != 0,
                ((Flag)flags & Flag.OwesKeyUpdate) != 0,
                keyUpdates,
                partial.ToArray()),
            Encoding.Latin1.GetString(protocol),
            Encoding.Latin1.GetString(name),
            certificate.ToArray());
        return true;
    }

    private static void PutByte(ref Span<byte> rest, byte value)
    {
        rest[0] = value;
        rest = rest[1..];
    }

    private static void PutUInt16(ref Span<byte> rest, ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(rest, value);
        rest = rest[sizeof(ushort)..];
    }

    private static void Put(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private static void PutDirection(ref Span<byte> rest, DirectionState direction)
    {
        BinaryPrimitives.WriteUInt64BigEndian(rest, direction.Number);
        rest = rest[sizeof(ulong)..];
        Put(ref rest, direction.Secret);
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, int count, out ReadOnlySpan<byte> bytes)
    {
        bool isThere = count >= 0 && count <= rest.Length;
        bytes = isThere ? rest[..count] : default;
        rest = isThere ? rest[count..] : rest;
        return isThere;
    }

    private static bool TryTakeByte(ref ReadOnlySpan<byte> rest, out byte value)
    {
        bool isThere = TryTake(ref rest, 1, out var bytes);
        value = isThere ? bytes[0] : (byte)0;
        return isThere;
    }

    private static bool TryTakeUInt16(ref ReadOnlySpan<byte> rest, out ushort value)
    {
        bool isThere = TryTake(ref rest, sizeof(ushort), out var bytes);
        value = isThere ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;
        return isThere;
    }

    private static bool TryTakeDirection(ref ReadOnlySpan<byte> rest, CipherSuite suite, out DirectionState direction)
    {
        bool isThere = TryTake(ref rest, sizeof(ulong) + suite.HashLength, out var bytes);
        direction = isThere
            ? new DirectionState(bytes[sizeof(ulong)..].ToArray(), BinaryPrimitives.ReadUInt64BigEndian(bytes))
            : default;
        return isThere;
    }
}

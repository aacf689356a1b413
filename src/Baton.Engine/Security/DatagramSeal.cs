using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Baton.Engine;

/// <summary>
/// Authenticates datagrams between two members: session (8 bytes) and HMAC-SHA256 over datagram and session, cut to 16
/// bytes (RFC 2104 §5), follow the datagram. What is replayed is found out by the datagram's own incarnation and number.
/// </summary>
internal sealed class DatagramSeal(ulong session, byte[] sendKey, byte[] receiveKey)
{
    /// <summary>Bytes that follow a datagram.</summary>
    public const int Length = SessionLength + TagLength;

    private const int SessionLength = 8;
    private const int TagLength = 16;

    /// <summary>The session that a sealed datagram names.</summary>
    public static ulong SessionOf(ReadOnlySpan<byte> datagram) =>
        BinaryPrimitives.ReadUInt64BigEndian(datagram[^Length..]);

    /// <summary>Seals the first <paramref name="length"/> bytes; returns the length with what follows them.</summary>
    public int Seal(Span<byte> buffer, int length)
    {
        BinaryPrimitives.WriteUInt64BigEndian(buffer[length..], session);
        Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(sendKey, buffer[..(length + SessionLength)], tag);
        tag[..TagLength].CopyTo(buffer[(length + SessionLength)..]);
        return length + Length;
    }

    /// <summary>Whether the peer has sealed it.</summary>
    public bool IsAuthentic(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < Length)
        {
            return false;
        }

        Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(receiveKey, datagram[..^TagLength], tag);
        return CryptographicOperations.FixedTimeEquals(tag[..TagLength], datagram[^TagLength..]);
    }
}

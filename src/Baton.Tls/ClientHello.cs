using System.Buffers.Binary;
using System.Text;

namespace Baton.Tls;

/// <summary>What came of looking for a ClientHello.</summary>
public enum ClientHelloOutcome
{
    /// <summary>It is there.</summary>
    Read,

    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The bytes do not begin a TLS handshake.</summary>
    NotTls,

    /// <summary>The bytes begin a handshake that breaks its form, or one longer than <see cref="ClientHello.MaxLength"/>.</summary>
    Malformed,
}

/// <summary>What a client asks for with its first message (RFC 8446 §4.1.2), as far as it decides where the connection belongs.</summary>
/// <param name="ServerName">The host it wants (RFC 6066 §3), or null.</param>
/// <param name="Protocols">The application protocols it speaks (RFC 7301 §3.1), in its order.</param>
public sealed record ClientHello(string? ServerName, IReadOnlyList<string> Protocols)
{
    /// <summary>The most bytes from the beginning of the connection that are looked at. Clients need about 2,000.</summary>
    public const int MaxLength = 1 << 14;

    private const byte HandshakeType = 1;
    private const ushort ServerNameExtension = 0;
    private const ushort ProtocolsExtension = 16;

    /// <summary>Reads the ClientHello with which a connection's bytes begin.</summary>
    /// <param name="stream">The connection's bytes from their beginning.</param>
    /// <param name="hello">The message, when the outcome is <see cref="ClientHelloOutcome.Read"/>.</param>
    public static ClientHelloOutcome TryRead(ReadOnlySpan<byte> stream, out ClientHello? hello)
    {
        hello = null;

        // The bytes of the handshake, without the headers of the records they come in (§5.1).
        byte[] message = new byte[Math.Min(stream.Length, MaxLength)];
        int there = 0;
        bool isWhole = false;
        for (var rest = stream; !rest.IsEmpty && !isWhole;)
        {
            if (rest[0] != (byte)ContentType.Handshake)
            {
                return there == 0 ? ClientHelloOutcome.NotTls : ClientHelloOutcome.Malformed;
            }

            if (rest.Length > 1 && rest[1] != 3)
            {
                return there == 0 ? ClientHelloOutcome.NotTls : ClientHelloOutcome.Malformed;
            }

            if (rest.Length < RecordFormat.HeaderLength)
            {
                break;
            }

            int length = RecordFormat.LengthOf(rest) - RecordFormat.HeaderLength;
            if (length is 0 or > RecordFormat.MaxContent)
            {
                return ClientHelloOutcome.Malformed;
            }

            rest = rest[RecordFormat.HeaderLength..];
            var part = rest[..Math.Min(length, Math.Min(rest.Length, message.Length - there))];
            part.CopyTo(message.AsSpan(there));
            there += part.Length;
            rest = rest[Math.Min(length, rest.Length)..];
            if (there > 0 && message[0] != HandshakeType)
            {
                return ClientHelloOutcome.Malformed;
            }

            isWhole = there >= 4 && there - 4 >= LengthOf(message);
        }

        if (isWhole)
        {
            hello = Parse(message.AsSpan(4, LengthOf(message)));
            return hello is null ? ClientHelloOutcome.Malformed : ClientHelloOutcome.Read;
        }

        return stream.Length >= MaxLength || (there >= 4 && LengthOf(message) > MaxLength)
            ? ClientHelloOutcome.Malformed
            : ClientHelloOutcome.Incomplete;
    }

    private static int LengthOf(ReadOnlySpan<byte> message) => (int)(BinaryPrimitives.ReadUInt32BigEndian(message) & 0xFF_FFFF);

    private static ClientHello? Parse(ReadOnlySpan<byte> body)
    {
        const int VersionAndRandom = 2 + 32;
        if (body.Length < VersionAndRandom)
        {
            return null;
        }

        var rest = body[VersionAndRandom..];
        if (!TryTake(ref rest, 1, out _) || !TryTake(ref rest, 2, out _) || !TryTake(ref rest, 1, out _))
        {
            return null;
        }

        string? name = null;
        IReadOnlyList<string> protocols = [];
        if (rest.IsEmpty)
        {
            // A client of TLS 1.2 may have no extensions.
            return new ClientHello(name, protocols);
        }

        if (!TryTake(ref rest, 2, out var extensions) || !rest.IsEmpty)
        {
            return null;
        }

        while (!extensions.IsEmpty)
        {
            if (extensions.Length < 2)
            {
                return null;
            }

            ushort type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!TryTake(ref extensions, 2, out var content)
                || (type == ServerNameExtension && !TryReadName(content, out name))
                || (type == ProtocolsExtension && !TryReadProtocols(content, out protocols)))
            {
                return null;
            }
        }

        return new ClientHello(name, protocols);
    }

    // RFC 6066 §3: a list of names with types, of which host_name (0) is the only one.
    private static bool TryReadName(ReadOnlySpan<byte> content, out string? name)
    {
        name = null;
        if (!TryTake(ref content, 2, out var list) || !content.IsEmpty)
        {
            return false;
        }

        while (!list.IsEmpty)
        {
            byte type = list[0];
            list = list[1..];
            if (!TryTake(ref list, 2, out var host) || host.IsEmpty || host.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E))
            {
                return false;
            }

            name ??= type == 0 ? Encoding.ASCII.GetString(host) : null;
        }

        return true;
    }

    // RFC 7301 §3.1
    private static bool TryReadProtocols(ReadOnlySpan<byte> content, out IReadOnlyList<string> protocols)
    {
        var found = new List<string>();
        protocols = found;
        if (!TryTake(ref content, 2, out var list) || !content.IsEmpty)
        {
            return false;
        }

        while (!list.IsEmpty)
        {
            if (!TryTake(ref list, 1, out var protocol) || protocol.IsEmpty)
            {
                return false;
            }

            found.Add(Encoding.Latin1.GetString(protocol));
        }

        return true;
    }

    /// <summary>Takes a vector (RFC 8446 §3.4): its length in so many bytes, then itself.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> rest, int lengthBytes, out ReadOnlySpan<byte> vector)
    {
        vector = default;
        if (rest.Length < lengthBytes)
        {
            return false;
        }

        int length = lengthBytes == 1 ? rest[0] : BinaryPrimitives.ReadUInt16BigEndian(rest);
        if (length > rest.Length - lengthBytes)
        {
            return false;
        }

        vector = rest.Slice(lengthBytes, length);
        rest = rest[(lengthBytes + length)..];
        return true;
    }
}

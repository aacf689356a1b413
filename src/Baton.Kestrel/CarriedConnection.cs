using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Baton.Kestrel.Tls;
using Baton.Tls;
using Baton.Wire;

namespace Baton.Kestrel;

/// <summary>All that goes along with a connection that moves; the context of the handoff (R32).</summary>
/// <param name="Exchange">The exchange in whose middle it is, or null between two requests.</param>
/// <param name="Tls">Its TLS, or null without.</param>
internal sealed record CarriedConnection(CarriedExchange? Exchange, CarriedTls? Tls)
{
    private const byte PlainVersion = 2;
    private const byte SealedVersion = 3;

    /// <summary>A connection that begins: no Kestrel has had it.</summary>
    public static readonly CarriedConnection None = new(null, null);

    /// <summary>
    /// The encoded form: a version, then the exchange. With TLS it is sealed behind the version: TLS state, the length of
    /// the opened bytes, these bytes, the exchange.
    /// </summary>
    public byte[] Encode(ContextSeal seal, Flow flow)
    {
        byte[] exchange = Exchange?.Encode() ?? [];
        if (Tls is null)
        {
            return [PlainVersion, .. exchange];
        }

        var plain = new ArrayBufferWriter<byte>(512 + Tls.Unread.Length + exchange.Length);
        Tls.State.Write(plain);
        BinaryPrimitives.WriteInt32BigEndian(plain.GetSpan(sizeof(int)), Tls.Unread.Length);
        plain.Advance(sizeof(int));
        plain.Write(Tls.Unread);
        plain.Write(exchange);
        byte[] encoded = [SealedVersion, .. seal.Seal(plain.WrittenSpan, flow)];
        plain.Clear();
        return encoded;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; anything else is refused.</summary>
    public static bool TryDecode(
        ReadOnlyMemory<byte> bytes, ContextSeal seal, Flow flow, [NotNullWhen(true)] out CarriedConnection? carried)
    {
        carried = null;
        if (bytes.IsEmpty)
        {
            carried = None;
            return true;
        }

        if (bytes.Span[0] == PlainVersion)
        {
            CarriedExchange? exchange = null;
            if (bytes.Length == 1 || CarriedExchange.TryDecode(bytes[1..], out exchange))
            {
                carried = new CarriedConnection(exchange, null);
            }

            return carried is not null;
        }

        if (bytes.Span[0] != SealedVersion || !seal.TryOpen(bytes.Span[1..], flow, out byte[]? plain))
        {
            return false;
        }

        carried = Decode(plain);
        CryptographicOperations.ZeroMemory(plain);
        return carried is not null;
    }

    private static CarriedConnection? Decode(ReadOnlySpan<byte> plain)
    {
        if (!TlsState.TryRead(plain, out var state, out int length) || plain.Length - length < sizeof(int))
        {
            return null;
        }

        int unread = BinaryPrimitives.ReadInt32BigEndian(plain[length..]);
        var rest = plain[(length + sizeof(int))..];
        if (unread < 0 || unread > rest.Length)
        {
            return null;
        }

        CarriedExchange? exchange = null;
        if (unread < rest.Length && !CarriedExchange.TryDecode(rest[unread..].ToArray(), out exchange))
        {
            return null;
        }

        return new CarriedConnection(exchange, new CarriedTls(state, rest[..unread].ToArray()));
    }
}

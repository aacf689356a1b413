using System.Text;
using Baton.Tls;

namespace Baton.Kestrel;

/// <summary>What a client says first, as far as it tells where its connection belongs.</summary>
/// <param name="Host">
/// The host that it wants, without a port: of a TLS handshake (SNI, RFC 6066 §3), or of the first request's Host field
/// (RFC 9110 §7.2). Null when it names none, and for HTTP/2 without TLS, whose fields are compressed.
/// </param>
/// <param name="IsTls">Whether it begins TLS.</param>
/// <param name="Protocols">The application protocols that it offers in TLS (RFC 7301); else "http/1.1" or "h2".</param>
/// <param name="Method">The first request's method; null under TLS and for HTTP/2.</param>
/// <param name="Target">The first request's target as it stands there (RFC 9112 §3.2); null under TLS and for HTTP/2.</param>
public sealed record ClientOpening(string? Host, bool IsTls, IReadOnlyList<string> Protocols, string? Method, string? Target)
{
    /// <summary>The most bytes that are looked at.</summary>
    internal const int MaxLength = ClientHello.MaxLength;

    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0\r\n"u8;

    /// <summary>Reads the opening with which a connection's bytes begin.</summary>
    /// <param name="bytes">What there is of them.</param>
    /// <param name="opening">The opening; null when it is not understood, which is for the application to answer.</param>
    /// <returns>Whether enough is there to say so.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out ClientOpening? opening)
    {
        opening = null;
        if (bytes.IsEmpty)
        {
            return false;
        }

        if (bytes[0] == (byte)ContentType.Handshake)
        {
            var outcome = ClientHello.TryRead(bytes, out var hello);
            opening = hello is null ? null : new ClientOpening(hello.ServerName, true, hello.Protocols, null, null);
            return outcome != ClientHelloOutcome.Incomplete;
        }

        if (bytes.StartsWith(Http2Preface))
        {
            opening = new ClientOpening(null, false, ["h2"], null, null);
            return true;
        }

        return TryReadRequest(bytes, out opening) || bytes.Length >= MaxLength;
    }

    /// <summary>Reads a request's line and fields (RFC 9112 §2.1) up to its Host.</summary>
    private static bool TryReadRequest(ReadOnlySpan<byte> bytes, out ClientOpening? opening)
    {
        opening = null;
        if (!TryTakeLine(ref bytes, out var line))
        {
            return false;
        }

        int methodEnd = line.IndexOf((byte)' ');
        int targetEnd = line.LastIndexOf((byte)' ');
        if (methodEnd <= 0 || targetEnd <= methodEnd + 1 || !line[(targetEnd + 1)..].StartsWith("HTTP/1."u8))
        {
            return true;
        }

        var found = new ClientOpening(
            null, false, ["http/1.1"], Encoding.Latin1.GetString(line[..methodEnd]), Encoding.Latin1.GetString(line[(methodEnd + 1)..targetEnd]));
        while (TryTakeLine(ref bytes, out line))
        {
            if (line.IsEmpty)
            {
                opening = found;
                return true;
            }

            if (line.Length > 5 && line[4] == ':' && Ascii.EqualsIgnoreCase(line[..4], "host"u8))
            {
                opening = found with { Host = WithoutPort(Encoding.Latin1.GetString(line[5..]).Trim()) };
                return true;
            }
        }

        return false;
    }

    private static bool TryTakeLine(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line)
    {
        int end = bytes.IndexOf((byte)'\n');
        line = end < 0 ? default : bytes[..end].TrimEnd((byte)'\r');
        bytes = end < 0 ? bytes : bytes[(end + 1)..];
        return end >= 0;
    }

    private static string? WithoutPort(string host)
    {
        // An IPv6 address stands in brackets (RFC 3986 §3.2.2).
        int colon = host.LastIndexOf(':');
        string name = colon > host.LastIndexOf(']') ? host[..colon] : host;
        return name.Length == 0 ? null : name;
    }
}

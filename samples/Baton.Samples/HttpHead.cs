using System.Globalization;
using System.Text;
using Baton.Engine;

namespace Baton.Samples;

/// <summary>As much of an HTTP request head (RFC 9112 §2.1) as the samples decide by.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">The request target.</param>
/// <param name="ContentLength">The announced length of the body, 0 without one.</param>
/// <param name="ExpectsContinue">Whether the client waits for 100 (Continue) (RFC 9110 §10.1.1).</param>
/// <param name="Length">Bytes of the head, its empty line included.</param>
public sealed record HttpHead(string Method, string Target, ulong ContentLength, bool ExpectsContinue, int Length)
{
    /// <summary>A longer head is refused.</summary>
    public const int MaxLength = 8192;

    /// <summary>
    /// Waits for a whole request head and reads it without taking it off the stream, so that whoever serves the request
    /// still finds its bytes there. Null: the client closed, or what it sent is no request.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled: nothing was consumed.</exception>
    public static async ValueTask<HttpHead?> PeekAsync(Connection connection, CancellationToken cancellation)
    {
        var buffer = new byte[MaxLength];
        int seen = 0;
        while (true)
        {
            int length = await connection.PeekAsync(buffer, seen + 1, cancellation);
            int end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                return Parse(buffer.AsSpan(0, end + 4));
            }

            if (length <= seen || length == MaxLength)
            {
                return null;
            }

            seen = length;
        }
    }

    /// <summary>Parses a whole head; null when it is none.</summary>
    public static HttpHead? Parse(ReadOnlySpan<byte> head)
    {
        string[] lines = Encoding.ASCII.GetString(head).Split("\r\n");
        string[] request = lines[0].Split(' ');
        if (request is not [{ Length: > 0 } method, { Length: > 0 } target, "HTTP/1.1" or "HTTP/1.0"])
        {
            return null;
        }

        ulong length = 0;
        bool expects = false;
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string name = colon < 0 ? "" : line[..colon];
            string value = line[(colon + 1)..].Trim();
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
                && !ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out length))
            {
                return null;
            }

            expects |= name.Equals("Expect", StringComparison.OrdinalIgnoreCase)
                && value.Equals("100-continue", StringComparison.OrdinalIgnoreCase);
        }

        return new(method, target, length, expects, head.Length);
    }

    /// <summary>A response head after which the connection closes.</summary>
    public static byte[] Response(string status, ulong contentLength) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status}\r\nContent-Length: {contentLength}\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n"));

    /// <summary>A whole short response.</summary>
    public static byte[] Response(string status, string body) =>
        [.. Response(status, (ulong)body.Length), .. Encoding.ASCII.GetBytes(body)];
}

using System.Globalization;
using System.Text;
using Baton.Bench.Own;
using Baton.Engine;

namespace Baton.Bench.Ingress;

/// <summary>
/// Answers each HTTP/1.1 request by one of two responses, with the headers that nginx gives a file: 1 MiB to what asks for
/// <see cref="Large"/>, else 1 KiB. For clients that send no body, and the next request after the answer.
/// </summary>
internal sealed class HttpApplication : BenchApplication
{
    /// <summary>The path of the long answer.</summary>
    public const string Large = "/large";

    /// <summary>Bytes of the two bodies.</summary>
    public const int SmallLength = 1024, LargeLength = 1 << 20;

    private static readonly byte[] s_small = Response(SmallLength);
    private static readonly byte[] s_large = Response(LargeLength);
    private static readonly byte[] s_asksForLarge = Encoding.ASCII.GetBytes($"GET {Large} ");

    private ReadOnlyMemory<byte> _toSend;

    public override void OnReadable(Attachment attachment)
    {
        while (_toSend.IsEmpty && Take(attachment))
        {
            Send(attachment);
        }

        if (attachment.ReadCompleted)
        {
            attachment.Close();
        }
    }

    public override void OnWritable(Attachment attachment)
    {
        Send(attachment);
        OnReadable(attachment);
    }

    /// <summary>Takes one request, if one is there whole.</summary>
    private bool Take(Attachment attachment)
    {
        // Where a request goes round the end of the queue it is not in one place.
        var request = attachment.PeekInPlace();
        if (request.Length < attachment.ReadableBytes)
        {
            request = Buffer.AsSpan(0, attachment.Peek(Buffer));
        }

        int end = request.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        _toSend = request.StartsWith(s_asksForLarge) ? s_large : s_small;
        attachment.Advance(end + 4);
        return true;
    }

    private void Send(Attachment attachment) => _toSend = _toSend[attachment.Write(_toSend.Span)..];

    private static byte[] Response(int length)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 200 OK\r\nServer: baton\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\nConnection: keep-alive\r\n\r\n");
        byte[] response = new byte[head.Length + length];
        Encoding.ASCII.GetBytes(head, response);
        new Random(1).NextBytes(response.AsSpan(head.Length));
        return response;
    }
}

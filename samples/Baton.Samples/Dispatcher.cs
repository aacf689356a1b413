using System.Globalization;
using Baton.Engine;

namespace Baton.Samples;

/// <summary>A named content: part of a generated stream, kept by one node.</summary>
/// <param name="Node">The node that holds it.</param>
/// <param name="Key">The generator's key.</param>
/// <param name="Length">Its length in bytes.</param>
public sealed record Content(string Node, ulong Key, ulong Length);

/// <summary>
/// Reads the head of an HTTP request, decides who serves it, and is done with the connection: it hands it to another
/// application here, or to another node.
/// <list type="bullet">
/// <item><c>GET /stream/N</c>: the streamer sends N bytes;</item>
/// <item><c>PUT /upload</c>: the receiver reads the body;</item>
/// <item><c>GET /content/NAME</c>: the node that holds the content serves it. The request's bytes are left unread, and go
/// there with the connection;</item>
/// <item><c>GET /whoami</c>: answered here.</item>
/// </list>
/// </summary>
public sealed class Dispatcher(string node, IReadOnlyDictionary<string, Content> contents, LocalApplications local) : SampleApplication
{
    /// <summary>The generator's key of <c>/stream</c>.</summary>
    public const ulong StreamKey = 0x6261_746F_6E00_0001;

    private const int Tries = 3;

    /// <inheritdoc/>
    public override string Name => "dispatcher";

    /// <inheritdoc/>
    public override async Task ServeAsync(Connection connection)
    {
        while (true)
        {
            try
            {
                if (await HttpHead.PeekAsync(connection, connection.MoveRequested) is not { } head)
                {
                    await AnswerAsync(connection, 0, "400 Bad Request", "Not an HTTP/1.1 request head.\n");
                    return;
                }

                await DispatchAsync(connection, head);
                return;
            }
            catch (OperationCanceledException)
            {
                if (await TryMoveAsync(connection))
                {
                    return;
                }
            }
        }
    }

    private async Task DispatchAsync(Connection connection, HttpHead head)
    {
        string[] path = head.Target.Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (head.Method, path)
        {
            case ("GET", ["whoami"]):
                await AnswerAsync(connection, head.Length, "200 OK", node + "\n");
                break;

            case ("GET", ["stream", var digits]) when ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong length):
                await StreamAsync(connection, head, StreamKey, length);
                break;

            case ("GET", ["content", var name]) when contents.TryGetValue(name, out var content):
                await ServeContentAsync(connection, head, content);
                break;

            case ("PUT" or "POST", ["upload", ..]):
                await connection.AdvanceAsync(head.Length);
                if (head.ExpectsContinue)
                {
                    await connection.SendAllAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
                }

                await local.HandOnAsync(connection, Receiver.ApplicationName, new ReceiverContext(new(), head.ContentLength).Encode());
                break;

            default:
                await AnswerAsync(connection, head.Length, "404 Not Found", "Known: /stream/N, /content/NAME, /upload, /whoami.\n");
                break;
        }
    }

    /// <summary>Content-based dispatch (R11): the holder reads the same request again, as if it had been sent there.</summary>
    private async Task ServeContentAsync(Connection connection, HttpHead head, Content content)
    {
        if (content.Node == node)
        {
            await StreamAsync(connection, head, content.Key, content.Length);
            return;
        }

        for (int i = 1; ; i++)
        {
            try
            {
                await connection.HandOffAsync(content.Node);
                return;
            }
            catch (HandOffRejectedException refused) when (refused.Result.Outcome == MoveOutcome.Aborted && i < Tries)
            {
                // Called off half-way: the connection and its unread request are here as before.
            }
            catch (HandOffRejectedException refused)
            {
                await AnswerAsync(connection, head.Length, "503 Service Unavailable", refused.Message + "\n");
                return;
            }
        }
    }

    /// <summary>The last HTTP on this connection: what follows the head is the streamer's, who knows none.</summary>
    private async Task StreamAsync(Connection connection, HttpHead head, ulong key, ulong length)
    {
        await connection.AdvanceAsync(head.Length);
        await connection.SendAllAsync(HttpHead.Response("200 OK", length));
        await local.HandOnAsync(connection, Streamer.ApplicationName, new StreamContext(key, 0, length).Encode());
    }

    private static async Task AnswerAsync(Connection connection, int taken, string status, string body)
    {
        await connection.AdvanceAsync(taken);
        await connection.SendAllAsync(HttpHead.Response(status, body));
    }
}

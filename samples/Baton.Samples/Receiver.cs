using Baton.Engine;

namespace Baton.Samples;

/// <summary>
/// Reads an upload and answers with the SHA-256 of every byte of it and the name of the node that read the last one. The
/// hash's state moves with the connection.
/// </summary>
public sealed class Receiver(string node) : SampleApplication
{
    /// <summary>The name it is bound under.</summary>
    public const string ApplicationName = "receiver";

    private const int BufferLength = 256 << 10;

    /// <inheritdoc/>
    public override string Name => ApplicationName;

    /// <inheritdoc/>
    public override async Task ServeAsync(Connection connection)
    {
        if (ReceiverContext.Decode(connection.Context.Span) is not { } context)
        {
            connection.Abort();
            return;
        }

        var buffer = new byte[BufferLength];
        while (context.Remaining > 0)
        {
            try
            {
                var wanted = buffer.AsMemory(0, (int)Math.Min(BufferLength, context.Remaining));
                int received = await connection.ReceiveAsync(wanted, connection.MoveRequested);
                if (received == 0)
                {
                    connection.Abort();
                    return;
                }

                context.Hash.Append(buffer.AsSpan(0, received));
                context = context with { Remaining = context.Remaining - (ulong)received };
            }
            catch (OperationCanceledException)
            {
                if (await TryMoveAsync(connection, context.Encode()))
                {
                    return;
                }
            }
        }

        string digest = Convert.ToHexStringLower(context.Hash.Digest());
        await connection.SendAllAsync(HttpHead.Response("200 OK", $"{digest} {node}\n"));
    }
}

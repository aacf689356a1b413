using Baton.Engine;

namespace Baton.Samples;

/// <summary>
/// Sends back what it receives (RFC 862). It takes bytes off the stream only once they are on their way back, so that it
/// has nothing of its own to hand over.
/// </summary>
public sealed class TcpEcho : SampleApplication
{
    private const int BufferLength = 64 << 10;

    /// <inheritdoc/>
    public override string Name => "echo";

    /// <inheritdoc/>
    public override async Task ServeAsync(Connection connection)
    {
        var buffer = new byte[BufferLength];
        while (true)
        {
            try
            {
                int length = await connection.PeekAsync(buffer, cancellationToken: connection.MoveRequested);
                if (length == 0)
                {
                    return;
                }

                int sent = await connection.SendAsync(buffer.AsMemory(0, length), connection.MoveRequested);
                await connection.AdvanceAsync(sent);
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
}

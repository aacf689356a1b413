using Baton.Engine;

namespace Baton.Samples;

/// <summary>
/// Sends a part of a generated stream. It knows no protocol: what to send is in the context it is handed, and nothing is
/// ever read. Asked to move, it hands on the position it has reached.
/// </summary>
public sealed class Streamer : SampleApplication
{
    /// <summary>The name it is bound under.</summary>
    public const string ApplicationName = "streamer";

    private const int BufferLength = 256 << 10;

    /// <inheritdoc/>
    public override string Name => ApplicationName;

    /// <inheritdoc/>
    public override async Task ServeAsync(Connection connection)
    {
        if (!StreamContext.TryDecode(connection.Context.Span, out var context))
        {
            connection.Abort();
            return;
        }

        var generator = new GeneratedStream(context.Key);
        var buffer = new byte[BufferLength];
        var ready = Memory<byte>.Empty;
        while (context.Position < context.End)
        {
            if (ready.IsEmpty)
            {
                ready = buffer.AsMemory(0, (int)Math.Min(BufferLength, context.End - context.Position));
                generator.Fill(context.Position, ready.Span);
            }

            try
            {
                int sent = await connection.SendAsync(ready, connection.MoveRequested);
                ready = ready[sent..];
                context = context with { Position = context.Position + (ulong)sent };
            }
            catch (OperationCanceledException)
            {
                if (await TryMoveAsync(connection, context.Encode()))
                {
                    return;
                }
            }
        }
    }
}

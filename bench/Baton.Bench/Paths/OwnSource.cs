using Baton.Engine;

namespace Baton.Bench.Paths;

/// <summary>The own stack sends the pattern on each connection until its client goes.</summary>
internal static class OwnSource
{
    /// <summary>Serves until the node stops.</summary>
    public static async Task ServeAsync(Listener listener, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                _ = SendAsync(await listener.AcceptAsync(ended));
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException or BatonException)
        {
            // The node stops.
        }
    }

    private static async Task SendAsync(Connection connection)
    {
        try
        {
            for (long position = 0; ;)
            {
                position += await connection.SendAsync(Pattern.MemoryAt(position));
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or BatonException)
        {
            // The client has gone, or the node stops.
        }
    }
}

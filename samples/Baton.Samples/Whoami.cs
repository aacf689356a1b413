using Baton.Engine;

namespace Baton.Samples;

/// <summary>Answers each HTTP request with the name of the node it is answered by.</summary>
public sealed class Whoami(string node) : SampleApplication
{
    /// <inheritdoc/>
    public override string Name => "whoami";

    /// <inheritdoc/>
    public override async Task ServeAsync(Connection connection)
    {
        while (true)
        {
            try
            {
                if (await HttpHead.PeekAsync(connection, connection.MoveRequested) is { } head)
                {
                    await connection.AdvanceAsync(head.Length);
                    await connection.SendAllAsync(HttpHead.Response("200 OK", node + "\n"));
                }

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
}

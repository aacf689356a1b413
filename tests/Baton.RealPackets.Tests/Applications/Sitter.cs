using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>Reads nothing, and goes where it is told to.</summary>
internal sealed class Sitter : SampleApplication
{
    public override string Name => "sitter";

    public override async Task ServeAsync(Connection connection)
    {
        while (true)
        {
            using var until = CancellationTokenSource.CreateLinkedTokenSource(connection.MoveRequested, connection.Closed);
            await Task.Delay(Timeout.Infinite, until.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            if (connection.Closed.IsCancellationRequested || await TryMoveAsync(connection))
            {
                return;
            }
        }
    }
}

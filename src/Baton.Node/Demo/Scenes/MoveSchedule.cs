using System.Globalization;
using Baton.Hosting;
using Baton.Node.Cli;

namespace Baton.Node.Demo;

/// <summary>
/// Moves one connection from node to node when given parts of its bytes have been acknowledged (or received), by what
/// the owner's control API says.
/// </summary>
internal sealed class MoveSchedule(DemoFarm farm, DemoStep step, int clientPort, long bytes, Func<ConnectionView, uint?> progress)
{
    private const int Tries = 5;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(4);
    private static readonly (int Percent, string From, string To)[] Moves = [(25, "a", "b"), (50, "b", "c"), (75, "c", "a")];

    /// <summary>The handoffs that were run.</summary>
    public List<HandoffView> Handoffs { get; } = [];

    /// <summary>What it waits for, in words.</summary>
    public string Waiting { get; private set; } = "";

    /// <summary>Runs until all moves are done; throws when one is refused.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        string client = farm.Plan.ClientName(clientPort);
        foreach (var (percent, from, to) in Moves)
        {
            long reached = await UntilAsync(client, from, bytes / 100 * percent, cancellation);
            var handoff = await MoveAsync(client, from, to, cancellation);
            Handoffs.Add(handoff);
            step.Event(string.Create(
                CultureInfo.InvariantCulture,
                $"{from} to {to} at {100.0 * reached / bytes:0} % ({Output.Bytes(reached)}): epoch {handoff.Epoch}, frozen {handoff.FrozenMicroseconds:0} µs, {handoff.HeldPackets} held"));
        }
    }

    /// <summary>Moves; a handoff that was called off has left the connection where it was, and is tried again.</summary>
    private async Task<HandoffView> MoveAsync(string client, string from, string to, CancellationToken cancellation)
    {
        for (int i = 1; ; i++)
        {
            Waiting = $"{from} to move it to {to}";
            var moved = await farm[from].MoveAsync(new(client, to), cancellation);
            if (moved is { Outcome: Engine.MoveOutcome.Moved, Handoff: { } handoff })
            {
                return handoff;
            }

            string refusal = $"{from} to {to} did not happen ({moved.Outcome}): {moved.Reason}";
            if (i == Tries || moved.Outcome != Engine.MoveOutcome.Aborted)
            {
                throw new DemoException($"{client}: {refusal}");
            }

            step.Event(refusal + "; again");
        }
    }

    private async Task<long> UntilAsync(string client, string owner, long threshold, CancellationToken cancellation)
    {
        while (true)
        {
            var found = (await farm[owner].FindAsync(client, local: true, cancellation)).Connections;
            long done = found is [var connection] ? progress(connection) ?? 0 : 0;
            string seen = string.Create(CultureInfo.InvariantCulture, $"at {owner}: {Output.Bytes(done)} of {Output.Bytes(bytes)}");
            Waiting = $"{Output.Bytes(threshold)}, {seen}";
            step.Now(seen);
            if (done >= threshold)
            {
                return done;
            }

            farm.RequireRunning();
            await Task.Delay(PollInterval, cancellation);
        }
    }
}

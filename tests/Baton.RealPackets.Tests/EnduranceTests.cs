using System.Diagnostics;
using Baton.Engine;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>One running transfer in each direction that is handed off a thousand times.</summary>
public sealed class EnduranceTests(RealNetwork network)
{
    private static readonly TimeSpan s_spacing = TimeSpan.FromMilliseconds(2);

    private static int Handoffs => QuickForm.Or(1000, quick: 100);

    [RealFact]
    public Task A_download_is_handed_off_a_thousand_times_and_its_bytes_are_exact() => HandOffAsync(downloads: true, uploads: false);

    [RealFact]
    public Task An_upload_is_handed_off_a_thousand_times_and_its_bytes_are_exact() => HandOffAsync(downloads: false, uploads: true);

    private async Task HandOffAsync(bool downloads, bool uploads)
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeAsync("web", _ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket, downloads, uploads);
        await client.ProgressAsync(1 << 20);

        int owner = 0;
        for (int i = 0; i < Handoffs; i++)
        {
            var next = farm.Nodes[(owner + 1) % 3];
            await farm.MoveAsync(RealFarm.FlowOf(socket), next);
            client.ThrowIfFailed();
            owner = (owner + 1) % 3;

            // A source that is the home has done its part before the target has: the next handoff is late enough for both.
            int come = i / 3 + 1;
            await Wait.UntilAsync(async () => (await next.Engine.CountersAsync()).HandoffsIn == come);
            var since = Stopwatch.StartNew();
            await Wait.UntilAsync(() => since.Elapsed > s_spacing);
        }

        await client.ProgressAsync(1 << 20);
        await client.FinishAsync();
        await AssertCountedAsync(farm);
    }

    /// <summary>The nodes' own event logs: as many handoffs, one out for each in, none twice, none within 2 ms of the one before.</summary>
    private static async Task AssertCountedAsync(RealFarm farm)
    {
        var handoffs = new HashSet<HandoffId>();
        var epochs = new List<uint>();
        foreach (var node in farm.Nodes)
        {
            var events = await node.Engine.HandoffsAsync();
            Assert.All(events, e => Assert.Equal(MoveOutcome.Moved, e.Outcome));
            Assert.All(events.Where(e => e.Role == HandoffRole.Source), e => Assert.True(handoffs.Add(e.Handoff)));
            epochs.AddRange(events.Where(e => e.Role == HandoffRole.Source).Select(e => e.Epoch.Value));
            Assert.All(
                events.Zip(events.Skip(1)),
                pair => Assert.True(pair.Second.At - pair.First.At >= s_spacing, $"{pair.First.At} and {pair.Second.At} at {node.Name}"));
            Assert.Equal(0, (await node.Engine.CountersAsync()).ResetsSent);
        }

        Assert.Equal(Handoffs, handoffs.Count);
        Assert.Equal(epochs.Count, epochs.Distinct().Count());
    }
}

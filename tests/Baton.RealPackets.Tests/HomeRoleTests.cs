using System.Globalization;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R34: the home is a process that exits or is killed, and stays away; what others own goes on.</summary>
public sealed class HomeRoleTests(RealNetwork network)
{
    private const int Wanted = 4;

    [RealFact]
    public async Task When_home_A_is_drained_and_its_process_exits_the_connections_accepted_there_go_on_exactly()
    {
        await using var a = NodeProcess.Start(network, "a");
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Runs = ["b", "c"] });
        var clients = await ConnectAsync(farm);
        var gap = Gap.Watch(clients);

        string said = a.Ask("drain", "a");
        Assert.Contains("0 and 0 service addresses remaining", said, StringComparison.Ordinal);
        await a.ExitAsync();

        await FinishAsync(farm, clients, gap, "the drained home's process has exited");
    }

    [RealFact]
    public async Task When_home_A_is_killed_and_stays_off_the_connections_accepted_there_go_on_exactly_after_a_takeover()
    {
        await using var a = NodeProcess.Start(network, "a");
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { Runs = ["b", "c"] });
        var clients = await ConnectAsync(farm);
        await Task.Delay(TimeSpan.FromSeconds(1));
        var gap = Gap.Watch(clients);
        await a.KillAsync();

        // An operator who is too fast is told so; a later try is granted.
        TakeoverOutcome outcome = null!;
        var results = new List<Handoff.TakeoverResult>();
        await Wait.UntilAsync(async () =>
        {
            outcome = await farm.Nodes[0].Engine.TakeOverAsync("a");
            results.Add(outcome.Result);
            await Task.Delay(50);
            return outcome.Result == Handoff.TakeoverResult.Taken;
        });
        Assert.All(results.SkipLast(1), result => Assert.Equal(Handoff.TakeoverResult.StillHeard, result));
        Assert.True(results.Count > 1);
        Assert.Equal(["198.51.100.101"], outcome.Addresses);

        await FinishAsync(farm, clients, gap, "the dead home's address was taken over");
    }

    /// <summary>Connections to A's address that live at B and C, streaming both ways; those that A serves itself are closed.</summary>
    private static async Task<List<DuplexClient>> ConnectAsync(RealFarm farm)
    {
        await farm.ServeAsync("spread", _ => new Duplex());
        await Wait.UntilAsync(async () => (await farm.Nodes[0].Engine.HomesAsync()).Any(home => home is { Home: "a", Phase: Handoff.HomePhase.Elsewhere }));
        var clients = new List<DuplexClient>();
        while (clients.Count < Wanted)
        {
            var socket = await farm.ConnectToAsync("198.51.100.101", FarmSetup.Spread);
            var flow = RealFarm.FlowOf(socket);
            bool elsewhere = false;
            for (int tries = 0; tries < 50 && !elsewhere; tries++)
            {
                await Task.Delay(10);
                elsewhere = await farm.Nodes[0].FindAsync(flow) is not null || await farm.Nodes[1].FindAsync(flow) is not null;
            }

            if (elsewhere)
            {
                clients.Add(DuplexClient.Start(socket));
            }
            else
            {
                socket.Close();
            }
        }

        foreach (var client in clients)
        {
            await client.ProgressAsync(1 << 20);
        }

        return clients;
    }

    private static async Task FinishAsync(RealFarm farm, List<DuplexClient> clients, Gap gap, string when)
    {
        foreach (var client in clients)
        {
            await client.ProgressAsync(1 << 20);
        }

        var longest = await gap.StopAsync();
        TestContext.Current.SendDiagnosticMessage(
            string.Create(CultureInfo.InvariantCulture, $"longest gap of {clients.Count} clients while {when}: {longest.TotalMilliseconds:0} ms"));

        // Who connects now is served by those that are left.
        var later = DuplexClient.Start(await farm.ConnectToAsync("198.51.100.101", FarmSetup.Spread));
        await later.ProgressAsync(1 << 20);
        foreach (var client in clients.Append(later))
        {
            await client.FinishAsync();
        }

        foreach (var node in farm.Nodes)
        {
            var counters = await node.Engine.CountersAsync();
            Assert.Equal((0, 0), (counters.EndpointsDiscarded, counters.FlowsWrittenOff));
        }
    }

    /// <summary>The longest time in which one of the clients received nothing.</summary>
    private sealed class Gap
    {
        private readonly Task<TimeSpan> _watching;
        private volatile bool _stopped;

        private Gap(List<DuplexClient> clients) => _watching = Task.Run(() => WatchAsync(clients));

        public static Gap Watch(List<DuplexClient> clients) => new(clients);

        public async Task<TimeSpan> StopAsync()
        {
            _stopped = true;
            return await _watching;
        }

        private async Task<TimeSpan> WatchAsync(List<DuplexClient> clients)
        {
            var received = clients.Select(client => client.Received).ToArray();
            var since = clients.Select(_ => Environment.TickCount64).ToArray();
            long longest = 0;
            while (!_stopped)
            {
                await Task.Delay(1);
                for (int i = 0; i < clients.Count; i++)
                {
                    long now = Environment.TickCount64;
                    longest = Math.Max(longest, now - since[i]);
                    if (clients[i].Received != received[i])
                    {
                        (received[i], since[i]) = (clients[i].Received, now);
                    }
                }
            }

            return TimeSpan.FromMilliseconds(longest);
        }
    }
}

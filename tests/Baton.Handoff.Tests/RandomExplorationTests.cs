using Baton.Handoff.Tests.Farm;
using Baton.Testing;
using Baton.Wire;
using Xunit.Sdk;

namespace Baton.Handoff.Tests;

/// <summary>
/// Many farms, each from a seed: connections moved at random times to random nodes while channels break, messages come
/// late and again, nodes die and return, engines are slow and refuse. BATON_HANDOFF_SEEDS sets how many, BATON_HANDOFF_SEED
/// replays one.
/// </summary>
public sealed class RandomExplorationTests(ITestOutputHelper output)
{
    private const int Milliseconds = 120;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_seed_finds_two_emitters_two_outcomes_or_a_handoff_without_end(bool nodesDie)
    {
        var totals = new Dictionary<string, int>();
        foreach (int seed in Seeds())
        {
            try
            {
                Explore(seed, nodesDie, totals);
            }
            catch (Exception e)
            {
                throw new XunitException($"BATON_HANDOFF_SEED={seed} (nodes die: {nodesDie}): {e.Message}", e);
            }
        }

        foreach (var (name, count) in totals.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{name}={count}");
        }

        if (Environment.GetEnvironmentVariable("BATON_HANDOFF_SEED") is null)
        {
            Assert.All(
                ["Source Committed", "Source Rejected", "Source Aborted", "Target Committed", "AlreadyMoving", "at source", "at target", "at third"],
                name => Assert.True(totals.GetValueOrDefault(name) > 0, $"no '{name}' in all seeds"));
        }
    }

    private static IEnumerable<int> Seeds()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("BATON_HANDOFF_SEED"), out int one))
        {
            return [one];
        }

        int count = int.TryParse(Environment.GetEnvironmentVariable("BATON_HANDOFF_SEEDS"), out int n) ? n : QuickForm.Or(300, quick: 100);
        return Enumerable.Range(1, count);
    }

    private static void Explore(int seed, bool nodesDie, Dictionary<string, int> totals)
    {
        bool repeats = seed % 2 == 0;
        var farm = new Farm.Farm(seed, new HandoffLimits
        {
            PrepareTimeout = TimeSpan.FromMilliseconds(15),
            MaxRemembered = repeats ? 1000 : 1 + seed % 50,
        });
        var homes = new Dictionary<Flow, int>();
        for (int i = 0; i < 4 + farm.NextRandom(5); i++)
        {
            int home = 1 + farm.NextRandom(3);
            homes.Add(farm.Connect(home, 1 + farm.NextRandom(3), farm.NextRandom(150_000)), home);
        }

        farm.MessageDelay = () => TimeSpan.FromTicks(200 + farm.NextRandom(seed % 3 == 0 ? 30_000 : 4000));
        farm.AnswerDelay = () => farm.NextRandom(3) == 0 ? TimeSpan.FromTicks(farm.NextRandom(5000)) : null;
        farm.RepeatsPerThousand = repeats ? 30 : 0;
        var flows = homes.Keys.ToArray();
        for (int ms = 0; ms < Milliseconds; ms++)
        {
            farm.At(new(ms * TimeSpan.TicksPerMillisecond), () => Disturb(farm, flows, homes, nodesDie, totals));
        }

        farm.Run();
        farm.Settle();
        farm.Nodes.Where(n => !n.Alive).ToList().ForEach(n => farm.Restart(n.Id));
        farm.Settle();
        farm.AssertNothingIsStuck(flow => farm[homes[flow]].Id);
        farm.AssertDirectoriesAreTrue(flows);
        if (!nodesDie)
        {
            Assert.All(flows, flow => Assert.Equal(farm[homes[flow]].Home.TryGet(flow, out _), farm.Active(flow) is not null));
            Assert.All(flows, flow => Assert.Distinct(farm.Active(flow)?.Processed ?? []));
        }

        Count(totals, farm.Completions.Select(c => $"{c.Role} {c.Outcome}"));
    }

    private static void Disturb(Farm.Farm farm, Flow[] flows, Dictionary<Flow, int> homes, bool nodesDie, Dictionary<string, int> totals)
    {
        var flow = flows[farm.NextRandom(flows.Length)];
        foreach (var node in farm.Nodes)
        {
            node.RefusePrepare = farm.NextRandom(20) == 0 ? HandoffReason.Draining : HandoffReason.None;
            node.RefuseInstall = farm.NextRandom(20) == 0 ? HandoffReason.NoRoute : HandoffReason.None;
        }

        int dice = farm.NextRandom(100);
        if (dice < 55)
        {
            farm.ClientSends(flow, homes[flow]);
            Move(farm, flow, homes[flow], totals);
        }
        else if (dice < 75)
        {
            var (a, b) = (new NodeId((ushort)(1 + farm.NextRandom(2))), new NodeId(3));
            (a, b) = farm.NextRandom(3) == 0 ? (new(1), new(2)) : (a, b);
            farm.Break(a, b);
            farm.At(farm.Now + TimeSpan.FromTicks(farm.NextRandom(200_000)), () => farm.ChannelUp(a, b));
        }
        else if (dice < 78 && nodesDie)
        {
            var node = farm.Nodes[farm.NextRandom(3)];
            if (node.Alive)
            {
                farm.Crash(node.Id);
                farm.At(farm.Now + TimeSpan.FromTicks(farm.NextRandom(150_000)), farm.NoticeTheDead);
                farm.At(farm.Now + TimeSpan.FromTicks(farm.NextRandom(300_000)), () => farm.Restart(node.Id));
            }
        }
        else if (dice < 80)
        {
            farm.Close(flow, homes[flow]);
        }
        else if (dice < 85 && farm.Begun.Count > 0)
        {
            var begun = farm.Begun[^1];
            farm.Nodes.ForEach(n => n.Input(a => a.Cancel(farm.Now, begun.Id, HandoffReason.Cancelled)));
        }
    }

    private static void Move(Farm.Farm farm, Flow flow, int home, Dictionary<string, int> totals)
    {
        for (int source = 1; source <= 3; source++)
        {
            if (farm[source].Endpoints.Values.SingleOrDefault(e => e.Flow == flow) is not { Phase: not EndpointPhase.Embryo } || !farm[source].Alive)
            {
                continue;
            }

            int target = 1 + (source + farm.NextRandom(2)) % 3;
            var request = farm.Request(flow, home, source, target) with { Fresh = farm.NextRandom(4) == 0, Precopy = farm.NextRandom(2) == 0 };
            var result = farm.Begin(request, source);
            Count(totals, [result.ToString(), home == source ? "at source" : home == target ? "at target" : "at third"]);
        }
    }

    private static void Count(Dictionary<string, int> totals, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            totals[name] = totals.GetValueOrDefault(name) + 1;
        }
    }
}

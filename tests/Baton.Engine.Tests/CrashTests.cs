using Baton.Link;
using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>
/// R34, from seeds: nodes crash and come back with no memory, stay off and are replaced, or are cut off for a while, at any
/// moment of any move. A connection goes on exactly, or is reset when a node that had it has crashed; no byte is ever wrong
/// and no two nodes are ever active. <c>BATON_CRASH_SEEDS=1000</c> runs more, <c>BATON_CRASH_SEED=n</c> replays one.
/// </summary>
public sealed class CrashTests
{
    private static readonly ulong s_seeds = (ulong)QuickForm.Or(40, quick: 20);
    private const int Flows = 6;
    private const int Moves = 14;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    private enum Fault
    {
        Restart,
        Takeover,
        Partition,
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Whatever_crashes_connections_go_on_exactly_or_end_once(int shards)
    {
        var totals = new Totals();
        if (ulong.TryParse(Environment.GetEnvironmentVariable("BATON_CRASH_SEED"), out ulong only))
        {
            Run(only, shards, totals);
            return;
        }

        ulong seeds = ulong.TryParse(Environment.GetEnvironmentVariable("BATON_CRASH_SEEDS"), out ulong more) ? more : s_seeds;
        for (ulong seed = 1; seed <= seeds; seed++)
        {
            Run(seed, shards, totals);
        }

        // What was never met says nothing.
        TestContext.Current.SendDiagnosticMessage(totals.ToString());
        Assert.True(totals is { Completed: > 0, Lost: > 0, MovedAfterFault: > 0, InHandoffAtFault: > 0, Suspended: > 0, Restarts: > 0, Takeovers: > 0, Partitions: > 0 }, totals.ToString());
    }

    private static void Run(ulong seed, int shards, Totals totals)
    {
        var random = new SeededRandom(seed);
        var faults = new FaultProfile { Delay = TimeSpan.FromMicroseconds(20 + random.Next(200)), Loss = 0.002 };
        using var farm = new Farm(new FarmSettings { Seed = seed, Clients = 2, Front = faults, Lan = faults, Grid = TimeSpan.FromMicroseconds(20), Sealed = seed % 2 == 0, Shards = number => 1 + number % shards }).Connect();
        var run = new CrashRun(farm, random, totals);
        try
        {
            run.RunAll();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"Seed {seed} with up to {shards} shards at {farm.Now}: {e.Message} (BATON_CRASH_SEED={seed} replays it)", e);
        }
    }

    private sealed record Totals
    {
        public int Completed { get; set; }

        public int Lost { get; set; }

        public int MovedAfterFault { get; set; }

        public int InHandoffAtFault { get; set; }

        public int Suspended { get; set; }

        public int Restarts { get; set; }

        public int Takeovers { get; set; }

        public int Partitions { get; set; }
    }

    private sealed class CrashRun(Farm farm, SeededRandom random, Totals totals)
    {
        private readonly Dictionary<Flow, PatternPlan> _plans = [];
        private readonly List<(PatternClient Client, Flow Flow)> _clients = [];
        private readonly HashSet<Flow> _mayBeLost = [];
        private readonly PriorityQueue<Action, long> _timeline = new();
        private bool _faulty;

        public void RunAll()
        {
            farm.RunFor(TimeSpan.FromSeconds(1));
            foreach (var node in farm.Nodes)
            {
                Bind(node);
            }

            farm.AfterStep = Check;
            for (int i = 0; i < Flows; i++)
            {
                After(random.Next(20), Connect);
            }

            for (int i = 0; i < Moves; i++)
            {
                After(5 + random.Next(60), MoveOne);
            }

            After(5 + random.Next(30), Strike);
            RunUntil(() => _timeline.Count == 0);
            RunUntil(() => _clients.TrueForAll(c => IsOver(c.Client, c.Flow)));
            Judge();
            RunUntil(() => farm.Nodes.Where(node => node.IsUp).All(IsEmpty));
        }

        private static bool IsEmpty(FarmNode node) =>
            node.FlowCount == 0 && node.RunningHandoffs == 0 && node.Endpoints.Count == 0;

        /// <summary>A client that has sent everything waits for ever when nobody is left to answer: it has nothing to be reset for.</summary>
        private bool IsOver(PatternClient client, Flow flow) =>
            client.IsComplete
            || client.Endpoint.Phase == EndpointPhase.Closed
            || (client.Endpoint.Connection!.State == TcpState.FinWait2 && _mayBeLost.Contains(flow)
                && !farm.Nodes.Any(node => node.IsUp && node.Find(flow) is not null));

        private void Judge()
        {
            foreach (var (client, flow) in _clients)
            {
                if (client.IsComplete)
                {
                    totals.Completed++;
                    continue;
                }

                totals.Lost++;
                Assert.True(_mayBeLost.Contains(flow), $"{flow} ended by {client.Endpoint.Connection!.CloseReason}");
                if (client.Endpoint.Phase != EndpointPhase.Closed)
                {
                    continue;
                }

                Assert.Contains(client.Endpoint.Connection!.CloseReason, new[] { TcpCloseReason.ResetByPeer, TcpCloseReason.TimedOut, TcpCloseReason.Refused });
            }

            Assert.DoesNotContain(farm.Errors, error => error.Contains("wrong byte", StringComparison.Ordinal));
        }

        private void Strike()
        {
            var node = farm.Nodes[(int)random.Next(farm.Nodes.Length)];
            var fault = (Fault)random.Next(3);
            _faulty = true;
            foreach (var (_, flow) in _clients)
            {
                var copies = farm.Nodes.Select(n => (Node: n, Endpoint: n.Find(flow))).Where(c => c.Endpoint is not null).ToArray();
                bool moving = copies.Any(c => c.Endpoint!.Phase is EndpointPhase.Frozen or EndpointPhase.Embryo);
                totals.InHandoffAtFault += moving ? 1 : 0;
                if (fault != Fault.Partition && (moving || copies.Length == 0 || copies.Any(c => c.Node == node)))
                {
                    _mayBeLost.Add(flow);
                }
            }

            switch (fault)
            {
                case Fault.Restart:
                    totals.Restarts++;
                    node.Crash();
                    After(random.Next(5000), () => Restart(node));
                    break;
                case Fault.Takeover:
                    totals.Takeovers++;
                    node.Crash();
                    var taker = farm.Nodes[node.Number % farm.Nodes.Length];
                    After(3500, () => TakeOver(taker, node));
                    break;
                default:
                    totals.Partitions++;
                    node.LanLink.IsPluggedIn = false;
                    After(random.Next(6000), () => node.LanLink.IsPluggedIn = true);
                    break;
            }
        }

        private static void TakeOver(FarmNode taker, FarmNode dead)
        {
            taker.Shard.TakeOver(dead.Id, force: false, outcome => Assert.Equal(Handoff.TakeoverResult.Taken, outcome.Result));
            taker.Touch();
        }

        private void Restart(FarmNode node)
        {
            node.Restart();
            Bind(node);
        }

        private void Check()
        {
            foreach (var (_, flow) in _clients)
            {
                int active = 0;
                foreach (var node in farm.Nodes)
                {
                    if (node is { IsUp: true, HasRun: true } && node.Find(flow) is { } endpoint)
                    {
                        totals.Suspended += endpoint.Phase == EndpointPhase.Frozen && !node.ShardOf(flow).MaySpeakFor(flow) ? 1 : 0;
                    }

                    active += node.IsUp && node.Find(flow)?.Phase == EndpointPhase.Active ? 1 : 0;
                }

                Assert.True(active <= 1, $"{flow} is active at {active} nodes");
            }

            foreach (var configured in farm.Nodes)
            {
                Assert.True(farm.Nodes.Count(node => node.IsUp && node.Shard.AnswersFor(configured.ServiceAddress)) <= 1, $"{configured.ServiceAddress} has two homes");
            }
        }

        private void Connect()
        {
            var home = farm.Nodes[(int)random.Next(farm.Nodes.Length)];
            var plan = new PatternPlan((ulong)_clients.Count, 200_000 + random.Next(600_000));
            var client = new PatternClient(farm, farm.Clients[_clients.Count % 2], home.ServiceAddress, 80, plan);
            var flow = new Flow(IpProtocol.Tcp, client.Endpoint.Flow.Tuple.Reversed);
            _plans.Add(flow, plan);
            _clients.Add((client, flow));
            if (_faulty)
            {
                _mayBeLost.Add(flow);
            }
        }

        private void MoveOne()
        {
            if (_clients.Count == 0)
            {
                return;
            }

            var (_, flow) = _clients[(int)random.Next(_clients.Count)];
            foreach (var node in farm.Nodes)
            {
                if (node.IsUp && node.Find(flow) is { Phase: EndpointPhase.Active } endpoint)
                {
                    var target = farm.Nodes[(node.Number + (int)random.Next(2)) % farm.Nodes.Length];
                    bool after = _faulty;
                    node.ShardOf(flow).RequestMove(endpoint.Id, target.Name, MoveCause.Operator, result => totals.MovedAfterFault += after && result.Moved ? 1 : 0);
                    node.Touch();
                    return;
                }
            }
        }

        private void Bind(FarmNode node) => node.Bind("tcp", () => new Serving(farm, node, _plans));

        private void After(long milliseconds, Action action) =>
            _timeline.Enqueue(action, (farm.Now + TimeSpan.FromMicroseconds(milliseconds * 1000 + random.Next(1000))).Ticks);

        private void RunUntil(Func<bool> condition)
        {
            var end = farm.Now + s_limit;
            while (!condition())
            {
                while (_timeline.TryPeek(out var action, out long due) && due <= farm.Now.Ticks)
                {
                    _timeline.Dequeue();
                    action();
                }

                var until = _timeline.TryPeek(out _, out long next) ? new Instant(next) : end;
                if (!farm.StepUntil(Instant.Min(until, end)) && farm.Now >= end)
                {
                    throw new TimeoutException(string.Join("; ", farm.Nodes.Select(n => $"{n.Name} {n.FlowCount} flows, {n.RunningHandoffs} handoffs, {string.Join(", ", n.Endpoints)}"))
                        + string.Join("; ", _clients.Select(c => $"{c.Flow} {c.Client.Received} {c.Client.Sent} {c.Client.Endpoint.Connection!.State}")));
                }
            }
        }
    }
}

using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>Asks for moves at random: of any endpoint, to any node, also of one that is being moved; and pulls cables meanwhile.</summary>
internal sealed class Mover
{
    private const int CallOffEvery = 13;

    private readonly SimulationRun _run;
    private readonly Farm _farm;
    private readonly Scenario _scenario;
    private readonly SeededRandom _random;
    private readonly HashSet<FarmNode> _unplugged = [];
    private readonly int _wanted;
    private int _outages;

    public Mover(SimulationRun run, Farm farm, Scenario scenario)
    {
        _run = run;
        _farm = farm;
        _scenario = scenario;
        _wanted = Math.Min(scenario.Attempts, run.Limits.Moves);
        _random = run.Random.Split();
    }

    /// <summary>Moves asked for.</summary>
    public int Attempts { get; private set; }

    /// <summary>Whether as many were asked for as the scenario wants, and no disturbance is left.</summary>
    public bool IsDone => (Attempts >= _wanted || !_run.IsAnythingLeft) && _unplugged.Count == 0;

    /// <summary>Begins.</summary>
    public void Start() => Wait(1);

    /// <summary>A reader has stopped for a time, and the window closes: a move of its flow meets that, more often than not.</summary>
    public void MoveWithin(SimulatedFlow flow, TimeSpan time)
    {
        if (_random.Chance(0.7) && _wanted > 0)
        {
            _run.After(new TimeSpan(_random.Next(time.Ticks)), () => Move(flow));
        }
    }

    /// <summary>The application has closed its connection: it may move while the stack ends it.</summary>
    public void MoveClosing(SimulatedFlow flow)
    {
        if (_random.Chance(0.5) && _wanted > 0)
        {
            _run.After(new TimeSpan(_random.Next(TimeSpan.TicksPerMillisecond)), () => Move(flow));
        }
    }

    private void Wait(int times) => _run.After(new TimeSpan(1 + _random.Next(2 * times * _scenario.AttemptPause.Ticks)), Act);

    private void Act()
    {
        if (_run.Flows.Count > 0)
        {
            var flow = _run.Flows[(int)_random.Next(_run.Flows.Count)];
            int count = _random.Chance(0.2) ? 2 : 1;
            for (int i = 0; i < count; i++)
            {
                Move(flow);
            }

            if (_random.Chance(0.15))
            {
                MoveAllOf(_farm.Nodes[(int)_random.Next(_farm.Nodes.Length)]);
            }

            if (_random.Chance(0.1))
            {
                Drain(_farm.Nodes[(int)_random.Next(_farm.Nodes.Length)]);
            }

            // Not for ever: a farm whose nodes are all cut off has nothing that could be moved.
            if (_random.Chance(_scenario.LanOutages) && _outages++ < _wanted)
            {
                _run.After(new TimeSpan(_random.Next(TimeSpan.TicksPerMillisecond * 2)), Unplug);
            }
        }

        if (Attempts < _wanted)
        {
            Wait(1);
        }
        else if (!_run.Striker.IsDone)
        {
            // Strikes take longer than moves.
            Wait(_scenario.Form.LaterPauses);
        }
    }

    /// <summary>Asks a node that has the endpoint, whatever phase it is in.</summary>
    private void Move(SimulatedFlow flow)
    {
        int first = (int)_random.Next(_farm.Nodes.Length);
        for (int i = 0; i < _farm.Nodes.Length; i++)
        {
            var node = _farm.Nodes[(first + i) % _farm.Nodes.Length];
            if (node.IsUp && node.Find(flow.Flow) is { } endpoint)
            {
                Move(node, endpoint);
                return;
            }
        }
    }

    private void Move(FarmNode node, Endpoint endpoint)
    {
        var target = _farm.Nodes[(int)_random.Next(_farm.Nodes.Length)];
        if (endpoint.Phase != EndpointPhase.Active || _run.IsMoving(endpoint.Flow))
        {
            _run.Totals.Count(Total.ConcurrentAtOneEndpoint);
        }

        if (node.RunningHandoffs > 0)
        {
            _run.Totals.Count(Total.ConcurrentAtSeveralEndpoints);
        }

        if (target != node)
        {
            Attempts++;
            _run.Totals.Count(Total.HandoffsAttempted);
        }

        node.Move(endpoint.Id, target);
        if (_scenario.Strikes.Count > 0 && Attempts % CallOffEvery == 0)
        {
            node.ShardOf(endpoint.Flow).Handoffs.CallOff(endpoint);
        }
    }

    private void MoveAllOf(FarmNode node)
    {
        if (!node.IsUp)
        {
            return;
        }

        foreach (var endpoint in node.StackEndpoints.ToArray())
        {
            if (endpoint.Service is not null && endpoint.Phase != EndpointPhase.Closed)
            {
                Move(node, endpoint);
            }
        }
    }

    private void Drain(FarmNode node)
    {
        if (_run.Striker.Drains(node))
        {
            return;
        }

        node.Shard.SetDraining(true);
        node.Touch();
        _run.After(new TimeSpan(_random.Next(TimeSpan.TicksPerMillisecond * 20)), () =>
        {
            if (!_run.Striker.Drains(node))
            {
                node.Shard.SetDraining(false);
                node.Touch();
            }
        });
    }

    private void Unplug()
    {
        var node = _farm.Nodes[(int)_random.Next(_farm.Nodes.Length)];
        if (!_unplugged.Add(node))
        {
            return;
        }

        node.LanLink.IsPluggedIn = false;
        _run.After(TimeSpan.FromMilliseconds(1 << (int)_random.Next(12)), () =>
        {
            node.LanLink.IsPluggedIn = node.IsUp;
            _unplugged.Remove(node);
        });
    }
}

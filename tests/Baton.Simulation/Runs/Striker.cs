using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>
/// Kills nodes, cuts the lan, takes addresses over and drains: one strike after the other, each when the farm has healed from
/// the last, whatever its connections do meanwhile.
/// </summary>
internal sealed class Striker
{
    private const int MostAttemptsAtTakeover = 20;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(3600);

    // A home writes a member off four leases, here 9.6 s, after it has held it for unreachable.
    private static readonly TimeSpan s_beforeWriteOff = TimeSpan.FromSeconds(9);

    // Nobody can speak for a takeover of whom it has not relied on since its own start.
    private static readonly TimeSpan s_untilLeases = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan s_longestDrain = TimeSpan.FromSeconds(3);

    private readonly SimulationRun _run;
    private readonly Farm _farm;
    private readonly IReadOnlyList<Strike> _strikes;
    private readonly HashSet<(MemoryLink From, MemoryLink To)> _cuts = [];
    private readonly Dictionary<(FarmNode Owner, InetAddress Address), (HomeClaim Under, bool Long)> _silent = [];
    private FarmNode? _drained;
    private int _next;

    public Striker(SimulationRun run, Farm farm, IReadOnlyList<Strike> strikes)
    {
        _run = run;
        _farm = farm;
        _strikes = strikes;
        Hearing = new Hearing(farm);
        if (strikes.Count > 0)
        {
            farm.Lan.Filter = Passes;
        }
    }

    /// <summary>Who has heard whom last.</summary>
    public Hearing Hearing { get; }

    /// <summary>Whether every strike has been and is healed.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Nodes that are to stay off.</summary>
    public HashSet<FarmNode> Off { get; } = [];

    /// <summary>Whether a node is being drained, or has been and does not take anything again yet.</summary>
    public bool Drains(FarmNode node) => _drained == node;

    /// <summary>Begins.</summary>
    public void Start()
    {
        Next();
        Listen();
    }

    /// <summary>
    /// Whether an owner has not heard a home for as long as homes wait, or was silent when that one became home, and its word that nothing
    /// has been given up is not there yet: if that home is lost now, the owner cannot know.
    /// </summary>
    public bool MayHaveBeenWrittenOff(Flow flow, FarmNode by) => _farm.Nodes.Any(owner =>
        owner.IsUp
        && owner.Shard.Homes.HomeOf(flow.Tuple.LocalAddress) == by.Id
        && !owner.Shard.Homes.MaySpeak(flow.Tuple.LocalAddress)
        && _silent.TryGetValue((owner, flow.Tuple.LocalAddress), out var silent)
        && (silent.Long || owner.Shard.Homes.Addresses.Any(home => home.Claim.Address == flow.Tuple.LocalAddress && home.Claim != silent.Under))
        && owner.Find(flow) is not null);

    private bool Passes(MemoryLink from, MemoryLink to, ReadOnlySpan<byte> frame)
    {
        bool passes = _cuts.Count == 0 || !_cuts.Contains((from, to));
        if (passes)
        {
            Hearing.OnPassed(from, to, frame);
        }

        return passes;
    }

    /// <summary>What an owner has that its home has not heard for so long may be given up.</summary>
    private void Listen()
    {
        Hearing.Look();
        foreach (var home in _farm.Nodes)
        {
            foreach (var owner in _farm.Nodes)
            {
                if (owner != home && owner.IsUp && Hearing.Silence(home, owner) > s_beforeWriteOff)
                {
                    _run.MayLose(flow => IsHome(home, flow) && owner.Find(flow.Flow) is not null);
                }

                if (owner != home && owner.IsUp)
                {
                    NoteSilence(owner, home);
                }
            }
        }

        if (!IsDone)
        {
            _run.After(s_look, Listen);
        }
    }

    private void NoteSilence(FarmNode owner, FarmNode home)
    {
        foreach (var (claim, _) in owner.Shard.Homes.Addresses.Where(address => address.Claim.Home == home.Id))
        {
            if (owner.Shard.Homes.MaySpeak(claim.Address))
            {
                _silent.Remove((owner, claim.Address));
            }
            else
            {
                var (under, isLong) = _silent.GetValueOrDefault((owner, claim.Address), (claim, false));
                _silent[(owner, claim.Address)] = (under, isLong || Hearing.Silence(owner, home) > s_beforeWriteOff);
            }
        }
    }

    private void Next()
    {
        if (_next == _strikes.Count)
        {
            IsDone = true;
            return;
        }

        var strike = _strikes[_next++];
        bool waits = strike.Kind == StrikeKind.Takeover && _run.Crashes > 0;
        _run.After(waits ? strike.Pause + s_untilLeases : strike.Pause, () => Begin(strike));
    }

    private void Begin(Strike strike)
    {
        var node = _farm.Nodes[strike.Node];
        var other = _farm.Nodes[strike.Other];
        if (Off.Count > 0 && (Off.Contains(node) || strike.Kind is not StrikeKind.Drain))
        {
            // With one of three off for good, another failure would leave no majority.
            Next();
            return;
        }

        _run.Trace?.WriteLine($"{_run.Now} {strike}");
        switch (strike.Kind)
        {
            case StrikeKind.Restart:
                Kill(node);
                _run.After(strike.Length, () => Revive(node));
                break;
            case StrikeKind.TwoRestarts:
                Kill(node);
                Kill(other);
                _run.After(strike.Length, () => Revive(node));
                _run.After(strike.Length / 2, () => Revive(other));
                break;
            case StrikeKind.Takeover:
                Kill(node);
                _run.After(s_silence + strike.Length / 4, () => TakeOver(strike, node, other, attempt: 1));
                return;
            case StrikeKind.Cut or StrikeKind.OneWayCut:
                Cut(node, other, strike.Kind == StrikeKind.Cut, strike.Length);
                break;
            case StrikeKind.Isolation:
                Isolate(node, strike.Length);
                break;
            case StrikeKind.Drain:
                Drain(strike, node);
                return;
        }

        WhenHealed(strike.Length);
    }

    private void Kill(FarmNode node)
    {
        _run.Totals.Count(Total.Crashes);
        node.Crash();
    }

    private void Revive(FarmNode node)
    {
        _run.Totals.Count(Total.Restarts);
        node.Restart();
    }

    private void TakeOver(Strike strike, FarmNode dead, FarmNode taker, int attempt)
    {
        taker.Shard.TakeOver(dead.Id, force: false, outcome =>
        {
            if (outcome.Result == TakeoverResult.NothingToTake)
            {
                Revive(dead);
                WhenHealed(TimeSpan.Zero);
                return;
            }

            if (outcome.Result != TakeoverResult.Taken)
            {
                if (attempt == MostAttemptsAtTakeover)
                {
                    _run.Fail($"{taker.Name} cannot take {dead.Name}'s addresses: {outcome.Result} {outcome.By}.");
                }

                _run.After(TimeSpan.FromMilliseconds(500), () => TakeOver(strike, dead, taker, attempt + 1));
                return;
            }

            _run.Totals.Count(Total.Takeovers);
            if (!strike.Returns)
            {
                Off.Add(dead);
                WhenHealed(TimeSpan.Zero);
                return;
            }

            _run.After(strike.Length, () => Revive(dead));
            WhenHealed(strike.Length, strike.TakesBack ? () => TakeBack(dead) : null);
        });
        taker.Touch();
    }

    private void Cut(FarmNode node, FarmNode other, bool bothWays, TimeSpan length)
    {
        _run.Totals.Count(bothWays ? Total.Cuts : Total.OneWayCuts);
        var (one, two) = (node.LanLink, other.LanLink);
        _cuts.Add((one, two));
        if (bothWays)
        {
            _cuts.Add((two, one));
        }

        _run.After(length, () =>
        {
            _cuts.Remove((one, two));
            _cuts.Remove((two, one));
        });
    }

    private void Isolate(FarmNode node, TimeSpan length)
    {
        _run.Totals.Count(Total.Isolations);
        node.LanLink.IsPluggedIn = false;
        _run.After(length, () => node.LanLink.IsPluggedIn = node.IsUp);
    }

    /// <summary>Whether a node is home of a flow, also while it stands down.</summary>
    private static bool IsHome(FarmNode node, SimulatedFlow flow) =>
        node.IsUp && node.Shard.Homes.Addresses.Any(home => home.Claim.Home == node.Id && home.Claim.Address == flow.Flow.Tuple.LocalAddress);

    private void Drain(Strike strike, FarmNode node)
    {
        var end = _run.Now + s_longestDrain;
        DrainProgress? last = null;
        _drained = node;
        node.Shard.Drain(progress => last = progress);
        node.Touch();
        Look();

        void Look()
        {
            bool drained = last is { Remaining: 0, Addresses: 0 };
            if (!drained && _run.Now < end)
            {
                _run.After(s_look, Look);
                return;
            }

            _run.Totals.Count(Total.Drains, drained ? 1 : 0);
            if (drained && strike.Returns)
            {
                _run.Totals.Count(Total.ExitsAfterDrain);
                _drained = null;
                node.Crash();
                _run.After(strike.Length, () => Revive(node));
                WhenHealed(strike.Length, strike.TakesBack ? () => TakeBack(node) : null);
                return;
            }

            _run.After(strike.Length / 4, () => TakeBack(node));
            WhenHealed(strike.Length / 4);
        }
    }

    private void TakeBack(FarmNode node)
    {
        _drained = null;
        if (node.IsUp)
        {
            node.Shard.Resume();
            node.Touch();
        }
    }

    /// <summary>On with the next strike, once every channel is up and every address has a home that serves.</summary>
    private void WhenHealed(TimeSpan notBefore, Action? then = null) => _run.After(notBefore + s_look, () =>
    {
        if (!IsHealed())
        {
            WhenHealed(TimeSpan.Zero, then);
            return;
        }

        if (then is not null)
        {
            then();
            WhenHealed(s_look);
            return;
        }

        Next();
    });

    private bool IsHealed()
    {
        foreach (var node in _farm.Nodes)
        {
            if (!node.IsUp)
            {
                if (!Off.Contains(node))
                {
                    return false;
                }

                continue;
            }

            foreach (var peer in _farm.Nodes)
            {
                if (peer != node && peer.IsUp && !node.Shard.IsChannelUp(peer.Id))
                {
                    return false;
                }
            }
        }

        return _farm.Nodes.All(node => _run.ServingNode(node.ServiceAddress) is not null);
    }
}

using Baton.Director;
using Baton.Link;
using Baton.Membership;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What a node is told at start. Everything that all members must agree on comes from the farm's configuration.</summary>
public sealed record EngineOptions
{
    /// <summary>The most shards that a node can have.</summary>
    public const int MaxShards = 64;

    /// <summary>This node's name; one of <see cref="Members"/>.</summary>
    public required string Node { get; init; }

    /// <summary>The members of the farm, this node among them; the same list on every node.</summary>
    public required IReadOnlyList<MemberOptions> Members { get; init; }

    /// <summary>The services of the farm; the same list on every node.</summary>
    public required IReadOnlyList<ServiceOptions> Services { get; init; }

    /// <summary>Selection policies beside the built-in ones, by the names that services use; the same names on every node.</summary>
    public IReadOnlyDictionary<string, Func<ISelectionPolicy>> Policies { get; init; } = new Dictionary<string, Func<ISelectionPolicy>>();

    /// <summary>The client side network. The engine owns the link and disposes it.</summary>
    public required NetworkOptions Front { get; init; }

    /// <summary>The network between the nodes. The engine owns the link and disposes it.</summary>
    public required NetworkOptions Lan { get; init; }

    /// <summary>
    /// What the programs on the links' interfaces know of the directory, or null where none runs. The engine keeps it in step
    /// and disposes it, after the links.
    /// </summary>
    public NicCache? Nic { get; init; }

    /// <summary>The farm's secret keys.</summary>
    public required EngineKeys Keys { get; init; }

    /// <summary>
    /// Proves to the other members who this node is, and who they are. Null for a farm that does not authenticate its
    /// members: whoever reaches the lan can then take connections. The same at all members.
    /// </summary>
    public IPeerAuthenticator? Authenticator { get; init; }

    /// <summary>Bounds on everything that can grow.</summary>
    public EngineLimits Limits { get; init; } = new();

    /// <summary>The rule that asks for moves of placed endpoints (R29), or null for none.</summary>
    public MoveRuleOptions? Rule { get; init; }

    /// <summary>How long the shard polls its links before it sleeps; 0 sleeps at once.</summary>
    public TimeSpan SpinTime { get; init; } = TimeSpan.FromMicroseconds(20);

    /// <summary>
    /// How far the shards' threads run ahead of others where the process may (CAP_SYS_NICE), as nice(1) has it: -20 to 19. They need
    /// little and are waited for, by clients and by the other nodes, most of all on a machine that is too busy.
    /// </summary>
    public int Nice { get; init; } = -10;

    /// <summary>
    /// How long an endpoint may be frozen before the source asks for an abort. Doubled, up to a second, each time in a row that
    /// a handoff of the endpoint was called off for it; others of the node begin with what the last ones needed.
    /// </summary>
    public TimeSpan HandoffBudget { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How often members exchange their states.</summary>
    public TimeSpan MembershipInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long <see cref="BatonEngine.MoveAsync(EndpointId, string, CancellationToken)"/> waits for an application to hand off.</summary>
    public TimeSpan MoveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where continuations of awaiting applications run.</summary>
    public ContinuationScheduling Continuations { get; init; }

    /// <summary>
    /// Seed of everything random in the node (endpoint ids, ephemeral ports, selection). Null takes one from the
    /// operating system; a simulator gives one, so that a run can be repeated.
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>Number of this start, rising with each; null takes the wall clock's.</summary>
    public ulong? Incarnation { get; init; }

    /// <summary>Whether the application's thread that answers the only client who speaks may run the shard: on one processor.</summary>
    internal bool AnswersInPlace { get; init; } = Environment.ProcessorCount == 1;

    /// <summary>What the time of day is ahead of the shard's clock.</summary>
    internal TimeSpan WallClock { get; init; }

    /// <summary>
    /// Shards of the node, each a thread with a stack of its own and its share of <see cref="Limits"/>: one for each queue of
    /// the links. 1 to <see cref="MaxShards"/>.
    /// </summary>
    public int Shards => 1 + Front.FurtherQueues.Count;

    /// <summary>Agrees on keys in place of the <see cref="Authenticator"/>: for a simulation.</summary>
    internal Func<Shard, PeerSessions, IKeyAgreement>? KeyAgreement { get; init; }

    /// <summary>What one shard is told.</summary>
    internal EngineOptions OfShard(int index) => Shards == 1 ? this : this with
    {
        Front = Front.OfShard(index),
        Lan = Lan.OfShard(index),
        Limits = Limits.Share(Shards),
        Seed = Seed + (ulong)index,
    };
}

/// <summary>Where continuations of awaiting applications run.</summary>
public enum ContinuationScheduling
{
    /// <summary>On the thread pool: application code never holds up the shard.</summary>
    ThreadPool,

    /// <summary>On the shard's thread: no switch of threads, for applications that never block.</summary>
    Inline,
}

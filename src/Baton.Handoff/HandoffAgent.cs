#pragma warning disable CA1822
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The handoff protocol at one node, which is source of some handoffs, target of others, and home of flows: a machine
/// that is driven, never driving. After each call take <see cref="HandoffOutput"/>s with <see cref="TryTakeOutput"/> until
/// there is none, carrying each out in order (their answers may be given at once, between two takes), then read
/// <see cref="NextDeadline"/>. One thread.
/// </summary>
public sealed class HandoffAgent
{
    private readonly Queue<HandoffOutput> _outputs = new();

    /// <summary>The protocol at node <paramref name="self"/>.</summary>
    public HandoffAgent(NodeId self, HandoffLimits limits)
    {
        Self = self;
        Limits = limits;
    }

    /// <summary>This node.</summary>
    public NodeId Self { get; }

    /// <summary>The bounds of everything kept here.</summary>
    public HandoffLimits Limits { get; }

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline => Instant.Never;

    /// <summary>Messages and requests that had no effect, by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Handoffs away from this node that have no outcome yet.</summary>
    public int SourceHandoffs => 0;

    /// <summary>Handoffs to this node that have no outcome yet.</summary>
    public int TargetHandoffs => 0;

    /// <summary>CLOSED messages not acknowledged yet.</summary>
    public int PendingClosed => 0;

    /// <summary>Begins to hand an endpoint of this node over.</summary>
    public BeginResult Begin(Instant now, HandoffRequest request) => BeginResult.InvalidRequest;

    /// <summary>
    /// Gives a handoff of this node's up. Until STATE is sent that is done at once; afterwards the home is asked, and its
    /// answer is the outcome. To be called with <see cref="HandoffReason.EndpointClosed"/> when the connection ends before it is frozen.
    /// </summary>
    /// <returns>Whether the handoff was known and not decided.</returns>
    public bool Cancel(Instant now, HandoffId handoff, HandoffReason reason) => false;

    /// <summary>
    /// The owner's endpoint has ended: the home will be told (CLOSED), again with each channel that is re-made, until it
    /// acknowledges.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="home">The node that holds its directory entry; may be this node.</param>
    /// <param name="epoch">The epoch of this node's ownership.</param>
    /// <param name="reason">Why: opaque here.</param>
    /// <returns>False when <see cref="HandoffLimits.MaxPendingClosed"/> wait already: ask again later.</returns>
    public bool OnEndpointClosed(Instant now, in Flow flow, NodeId home, Epoch epoch, byte reason) => false;

    /// <summary>A message from a peer's channel. Bad, late and repeated ones have a reason and no effect.</summary>
    public DropReason OnMessage(Instant now, NodeId from, ReadOnlySpan<byte> message) => DropReason.MessageMalformed;

    /// <summary>
    /// A channel to a peer was made or re-made: nothing sent on an earlier one arrives any more. What is undecided is
    /// repeated or asked.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The other node.</param>
    /// <param name="incarnation">Rises with each start of the peer: another one means that it knows nothing any more.</param>
    public void OnChannelUp(Instant now, NodeId peer, ulong incarnation)
    {
    }

    /// <summary>The channel to a peer broke. Nothing is decided by that.</summary>
    public void OnChannelDown(Instant now, NodeId peer)
    {
    }

    /// <summary>Membership holds the peer for dead or cut off.</summary>
    public void OnMemberUnreachable(Instant now, NodeId peer)
    {
    }

    /// <summary>Time has come to <see cref="NextDeadline"/>.</summary>
    public void OnDeadline(Instant now)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.Precopy"/>.</summary>
    /// <param name="now">The time.</param>
    /// <param name="handoff">The run of the protocol.</param>
    /// <param name="bytes">Opaque bytes that follow those given before; empty when there are none now.</param>
    /// <param name="complete">Freeze now: the rest travels in STATE.</param>
    public void OnPrecopied(Instant now, HandoffId handoff, ReadOnlySpan<byte> bytes, bool complete)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.Freeze"/>: the endpoint is frozen, and STATE may be sent.</summary>
    public void OnFrozen(Instant now, HandoffId handoff, FrozenState state)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.Freeze"/>: it cannot be.</summary>
    public void OnFreezeFailed(Instant now, HandoffId handoff, HandoffReason reason)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.CreateEmbryo"/>.</summary>
    public void OnPrepared(Instant now, HandoffId handoff, EndpointId embryo)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.CreateEmbryo"/>: the source gets the reason.</summary>
    public void OnPrepareRefused(Instant now, HandoffId handoff, HandoffReason reason)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.Install"/>: the embryo is READY under this reference.</summary>
    public void OnInstalled(Instant now, HandoffId handoff, in EncodedReference reference)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.Install"/>: the source gets the reason, the embryo is discarded.</summary>
    public void OnInstallFailed(Instant now, HandoffId handoff, HandoffReason reason)
    {
    }

    /// <summary>Answers <see cref="HandoffOutput.AskSwap"/>; both its fields come back.</summary>
    public void OnSwapped(Instant now, NodeId asker, in SwapQuestion question, in SwapResult result)
    {
    }

    /// <summary>The next thing to be done, if any.</summary>
    public bool TryTakeOutput([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HandoffOutput? output) => _outputs.TryDequeue(out output);
}

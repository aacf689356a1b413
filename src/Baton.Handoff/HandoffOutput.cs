using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// What the protocol wants done, in this order, after each call of an <c>On…</c> or <c>Begin</c>. Each is one line of the
/// engine's table; where an answer is due, the output names the call that takes it (at once or later).
/// </summary>
/// <param name="Handoff">The run of the protocol, or <see cref="HandoffId.None"/>.</param>
/// <param name="Flow">The flow.</param>
public abstract record HandoffOutput(HandoffId Handoff, Flow Flow)
{
    /// <summary>Send a message on the channel to <paramref name="Peer"/>; drop it when there is none.</summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Peer">Never this node.</param>
    /// <param name="Message">The message, or its beginning; with what follows at most <see cref="HandoffLimits.MaxMessageBytes"/>.</param>
    /// <param name="Chunk">
    /// What follows: bytes of a queue or of STATE where they stand, valid until the next output is taken.
    /// </param>
    public sealed record Send(
        HandoffId Handoff, Flow Flow, NodeId Peer, ReadOnlyMemory<byte> Message, ReadOnlyMemory<byte> Chunk) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Source, still serving: give queued bytes from <paramref name="Offset"/> of the precopied stream on to
    /// <see cref="HandoffAgent.OnPrecopied"/>.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    /// <param name="Offset">Bytes that the target has.</param>
    /// <param name="MaxBytes">No more than this at once.</param>
    public sealed record Precopy(HandoffId Handoff, Flow Flow, EndpointId Endpoint, int Offset, int MaxBytes) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Source: quiesce the application, freeze the endpoint (if it is not yet), write its image, and answer with
    /// <see cref="HandoffAgent.OnFrozen"/> or <see cref="HandoffAgent.OnFreezeFailed"/>. Asked again when STATE must be sent again.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    /// <param name="PrecopiedBytes">Precopied bytes that the target has: the image may leave them out.</param>
    public sealed record Freeze(HandoffId Handoff, Flow Flow, EndpointId Endpoint, int PrecopiedBytes) : HandoffOutput(Handoff, Flow);

    /// <summary>Source: the endpoint stays; process what was held, run on. The endpoint's id and reference stay valid.</summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    /// <param name="Epoch">The epoch of the ownership from now on: two later than before when the home was asked.</param>
    public sealed record Thaw(HandoffId Handoff, Flow Flow, EndpointId Endpoint, Epoch Epoch) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Source: the target owns the flow. Forward what was held since the last <see cref="HandoffAgent.OnFrozen"/>, and
    /// what comes late, with its reference; the frozen copy goes.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint that was.</param>
    /// <param name="Owner">Who owns the flow now.</param>
    /// <param name="Epoch">Since which epoch.</param>
    /// <param name="Reference">The owner's reference.</param>
    /// <param name="ForwardUntil">Then silence.</param>
    /// <param name="SilentUntil">Then the tombstone goes.</param>
    public sealed record BecomeTombstone(
        HandoffId Handoff,
        Flow Flow,
        EndpointId Endpoint,
        NodeId Owner,
        Epoch Epoch,
        EncodedReference Reference,
        Instant ForwardUntil,
        Instant SilentUntil) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Target: reserve, make an embryo that emits nothing and holds what arrives, and answer with
    /// <see cref="HandoffAgent.OnPrepared"/> or <see cref="HandoffAgent.OnPrepareRefused"/>; refused with
    /// <see cref="HandoffReason.FlowInUse"/> when an endpoint of the flow lives here.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Source">The owner.</param>
    /// <param name="Home">The node that holds the flow's directory entry.</param>
    /// <param name="Epoch">The epoch that the ownership would have.</param>
    /// <param name="ApplicationName">The application that shall continue.</param>
    /// <param name="Options">The source's <see cref="HandoffRequest.Options"/>.</param>
    /// <param name="ExpectedStateBytes">The source's <see cref="HandoffRequest.ExpectedStateBytes"/>.</param>
    public sealed record CreateEmbryo(
        HandoffId Handoff,
        Flow Flow,
        NodeId Source,
        NodeId Home,
        Epoch Epoch,
        string ApplicationName,
        ReadOnlyMemory<byte> Options,
        int ExpectedStateBytes) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Target: check and install the image in the embryo, make sure of route and next hop, write the reference, and
    /// answer with <see cref="HandoffAgent.OnInstalled"/> or <see cref="HandoffAgent.OnInstallFailed"/>. Still emits nothing.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Embryo">The embryo.</param>
    /// <param name="Epoch">The epoch for its reference.</param>
    /// <param name="ApplicationName">The application that shall continue.</param>
    /// <param name="Precopied">The precopied bytes that the image builds on; valid until the handoff has ended here.</param>
    /// <param name="State">Image, context and held packets; as long.</param>
    public sealed record Install(
        HandoffId Handoff,
        Flow Flow,
        EndpointId Embryo,
        Epoch Epoch,
        string ApplicationName,
        ReadOnlyMemory<byte> Precopied,
        FrozenState State) : HandoffOutput(Handoff, Flow);

    /// <summary>
    /// Target: the home said yes. Process STATE's held packets, then the embryo's, re-arm timers, send one ACK or window
    /// update, give the connection to the application.
    /// </summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Embryo">The endpoint, no longer an embryo.</param>
    /// <param name="Source">The owner before.</param>
    /// <param name="Epoch">The epoch of the ownership.</param>
    public sealed record Activate(HandoffId Handoff, Flow Flow, EndpointId Embryo, NodeId Source, Epoch Epoch) : HandoffOutput(Handoff, Flow);

    /// <summary>Either side: remove the embryo or frozen copy silently, with what it holds.</summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The embryo, or the frozen copy of a connection that has ended.</param>
    public sealed record Discard(HandoffId Handoff, Flow Flow, EndpointId Endpoint) : HandoffOutput(Handoff, Flow);

    /// <summary>Home: compare and swap in the directory, and answer with <see cref="HandoffAgent.OnSwapped"/>.</summary>
    /// <param name="Asker">Who asked: the source or the target; pass it back.</param>
    /// <param name="Question">The question; pass it back.</param>
    public sealed record AskSwap(NodeId Asker, SwapQuestion Question) : HandoffOutput(Question.Handoff, Question.Flow);

    /// <summary>
    /// Home: the connection has ended; remove the directory entry if it still names this owner, epoch and endpoint.
    /// May come more than once.
    /// </summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Owner">The owner that says so.</param>
    /// <param name="Epoch">The epoch of its ownership.</param>
    /// <param name="Endpoint">Its endpoint, as in its reference.</param>
    /// <param name="Reason">Why it ended: opaque here.</param>
    public sealed record RemoveEntry(Flow Flow, NodeId Owner, Epoch Epoch, EndpointId Endpoint, byte Reason) : HandoffOutput(HandoffId.None, Flow);

    /// <summary>
    /// Owner: write what answers for an endpoint in TIME-WAIT, and answer with <see cref="HandoffAgent.OnResidueWritten"/> at once.
    /// </summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    public sealed record WriteResidue(Flow Flow, EndpointId Endpoint) : HandoffOutput(HandoffId.None, Flow);

    /// <summary>
    /// Home: if the directory's entry names this owner, epoch and endpoint, make an endpoint of the residue, in TIME-WAIT and without
    /// application, and swap the entry to it; answer with <see cref="HandoffAgent.OnResidueTaken"/>, passing this back. May come
    /// more than once.
    /// </summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Owner">The owner that says so.</param>
    /// <param name="Epoch">The epoch of its ownership.</param>
    /// <param name="Endpoint">Its endpoint, as in its reference.</param>
    /// <param name="Residue">What answers for it.</param>
    public sealed record TakeResidue(Flow Flow, NodeId Owner, Epoch Epoch, EndpointId Endpoint, ReadOnlyMemory<byte> Residue)
        : HandoffOutput(HandoffId.None, Flow);

    /// <summary>Owner: the home answers for an endpoint in TIME-WAIT; end it here silently.</summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    public sealed record DropResidue(Flow Flow, EndpointId Endpoint) : HandoffOutput(HandoffId.None, Flow);

    /// <summary>The handoff has ended at this node; the last output that names it.</summary>
    /// <param name="Handoff">The run of the protocol.</param>
    /// <param name="Flow">The flow.</param>
    /// <param name="Role">This node's side.</param>
    /// <param name="Endpoint">This node's endpoint (at the target none when no embryo was made).</param>
    /// <param name="Peer">The other side.</param>
    /// <param name="Outcome">How it ended.</param>
    /// <param name="Reason">Why, when it was not committed.</param>
    /// <param name="Frozen">Source: time from freeze to thaw or tombstone; target: from STATE's arrival to the home's answer.</param>
    public sealed record Completed(
        HandoffId Handoff,
        Flow Flow,
        HandoffRole Role,
        EndpointId Endpoint,
        NodeId Peer,
        HandoffOutcome Outcome,
        HandoffReason Reason,
        TimeSpan Frozen) : HandoffOutput(Handoff, Flow);
}

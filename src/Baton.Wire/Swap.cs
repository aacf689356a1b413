namespace Baton.Wire;

/// <summary>
/// The question put to a flow's home: change the entry if it still says {<see cref="ExpectedOwner"/>,
/// <see cref="ExpectedEpoch"/>}. There are two of them, and together they are the only point of decision of a handoff:
/// T's <see cref="Commit"/> and S's <see cref="Abort"/>.
/// </summary>
/// <param name="Flow">The flow.</param>
/// <param name="Handoff">The run of the protocol that asks.</param>
/// <param name="ExpectedOwner">The source S.</param>
/// <param name="ExpectedEpoch">Its epoch e.</param>
/// <param name="ExpectedEndpoint">
/// Its endpoint, as in its reference: an id is never used again, so a question asked late cannot match the next connection
/// between the same ports, not even at a home that has forgotten which epochs there were.
/// </param>
/// <param name="NewOwner">The target T (commit) or again S (abort).</param>
/// <param name="NewEpoch">e+1 (commit) or e+2 (abort).</param>
/// <param name="Reference">T's reference; empty in an abort, which leaves S's reference valid.</param>
public readonly record struct SwapQuestion(
    Flow Flow,
    HandoffId Handoff,
    NodeId ExpectedOwner,
    Epoch ExpectedEpoch,
    EndpointId ExpectedEndpoint,
    NodeId NewOwner,
    Epoch NewEpoch,
    EncodedReference Reference)
{
    /// <summary>Whether S asks to keep the flow.</summary>
    public bool IsAbort => NewOwner == ExpectedOwner;

    /// <summary>T's question: from S, e to T, e+1 with T's reference.</summary>
    public static SwapQuestion Commit(
        in Flow flow, HandoffId handoff, NodeId source, Epoch epoch, EndpointId endpoint, NodeId target, in EncodedReference reference) =>
        new(flow, handoff, source, epoch, endpoint, target, epoch + 1, reference);

    /// <summary>S's question: from S, e to S, e+2, after which T's can no longer succeed.</summary>
    public static SwapQuestion Abort(in Flow flow, HandoffId handoff, NodeId source, Epoch epoch, EndpointId endpoint) =>
        new(flow, handoff, source, epoch, endpoint, source, epoch + 2, default);
}

/// <summary>What the home answers to a <see cref="SwapQuestion"/>.</summary>
public enum SwapOutcome : byte
{
    /// <summary>Not asked yet.</summary>
    None,

    /// <summary>Yes: the entry is as the question wanted it (now, or since the same question was asked before).</summary>
    Swapped,

    /// <summary>No: the entry says something else; the answer has what.</summary>
    Refused,

    /// <summary>No: the home has no entry for the flow; the connection has ended.</summary>
    Gone,
}

/// <summary>The home's answer. The same question gets the same outcome however often it is asked.</summary>
/// <param name="Outcome">Yes or no.</param>
/// <param name="Owner">Who owns the flow now.</param>
/// <param name="Epoch">Since which epoch.</param>
/// <param name="Reference">The owner's reference: what a refused source forwards with.</param>
public readonly record struct SwapResult(SwapOutcome Outcome, NodeId Owner, Epoch Epoch, EncodedReference Reference);

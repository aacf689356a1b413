using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>Where a source is. Up to <see cref="Freezing"/> it may give up by itself, afterwards only the home decides.</summary>
internal enum SourcePhase : byte
{
    /// <summary>PREPARE was sent; the endpoint serves.</summary>
    Preparing,

    /// <summary>PREPARED came; queued bytes are sent ahead; the endpoint serves.</summary>
    Precopying,

    /// <summary>The engine freezes the endpoint and writes its image.</summary>
    Freezing,

    /// <summary>STATE was sent: the target may have asked the home.</summary>
    AwaitingDecision,

    /// <summary>The home was asked for the abort.</summary>
    AskedAbort,
}

/// <summary>One handoff away from this node.</summary>
internal sealed class SourceHandoff(HandoffRequest request)
{
    public HandoffRequest Request { get; } = request;

    public MessageHeader Header { get; } = new(MessageKind.Prepare, request.Id, request.Epoch, request.Flow);

    public SourcePhase Phase { get; set; }

    /// <summary>Whether the target can still not have asked the home.</summary>
    public bool StateIsUnsent => Phase <= SourcePhase.Freezing;

    /// <summary>Who decides; changes with the home role.</summary>
    public NodeId Home { get; set; } = request.Home;

    public Instant Deadline { get; set; } = Instant.Never;

    /// <summary>When the freeze was asked for; meaningful from <see cref="SourcePhase.Freezing"/> on.</summary>
    public Instant FrozenAt { get; set; }

    /// <summary>
    /// Since when the target could not be heard, from STATE on. Forgotten when it says on a channel that it has not gone on, and, where
    /// it is the home, when a channel to it is made again before <see cref="HandoffLimits.DecidedUnheard"/> is over; a silence that no
    /// channel broke at is not forgotten, to be safe.
    /// </summary>
    public Instant? TargetLostAt { get; set; }

    /// <summary>The target was started anew since STATE: it cannot tell any more whether it has gone on.</summary>
    public bool TargetForgot { get; set; }

    /// <summary>
    /// A home that has forgotten would grant the abort, though the target may have gone on: no home is asked until the target has said
    /// that it has not.
    /// </summary>
    public bool IsInDoubt { get; set; }

    /// <summary>STATE has been sent on the channel to the target that there is now.</summary>
    public bool StateIsOnChannel { get; set; }

    /// <summary>Bytes of the precopied stream sent.</summary>
    public int PrecopiedBytes { get; set; }

    /// <summary>PREPARE was repeated on a new channel: the target's answer says what it has.</summary>
    public bool AwaitsPosition { get; set; }

    /// <summary>What it is called when the home grants the abort.</summary>
    public (HandoffOutcome Outcome, HandoffReason Reason) OnAbort { get; set; }

    /// <summary>A PREPARE by which the flow comes back; it waits for this handoff's outcome.</summary>
    public (NodeId From, Prepare Message)? Returning { get; set; }
}

namespace Baton.Wire;

/// <summary>What an endpoint is at the node that announces it. Travels in messages: values never change their meaning.</summary>
public enum AnnouncedPhase : byte
{
    /// <summary>It serves its client.</summary>
    Active = 1,

    /// <summary>It is the source of a handoff that has not been decided.</summary>
    Frozen = 2,

    /// <summary>It is the target of one, and has its image.</summary>
    Ready = 3,
}

/// <summary>
/// An endpoint as its node tells it to the flow's home, or an entry as a home tells it to the next.
/// </summary>
/// <param name="Flow">The flow.</param>
/// <param name="Owner">The node where the endpoint lives.</param>
/// <param name="Epoch">Since which epoch; of a ready endpoint the epoch that the commit would give.</param>
/// <param name="Phase">What it is there.</param>
/// <param name="Handoff">In a home's directory the last handoff that was decided; otherwise none.</param>
/// <param name="Reference">The owner's reference.</param>
public readonly record struct Announcement(
    Flow Flow, NodeId Owner, Epoch Epoch, AnnouncedPhase Phase, HandoffId Handoff, EncodedReference Reference);

namespace Baton.Handoff;

/// <summary>Why a handoff was rejected, aborted or not begun. Travels in messages: values never change their meaning.</summary>
public enum HandoffReason : byte
{
    /// <summary>No reason: it was not.</summary>
    None = 0,

    /// <summary>The target gives its own endpoints away.</summary>
    Draining = 1,

    /// <summary>A limit of the target's is reached.</summary>
    NoCapacity = 2,

    /// <summary>The target has no application of that name.</summary>
    UnknownApplication = 3,

    /// <summary>The target has an endpoint or another handoff for that flow.</summary>
    FlowInUse = 4,

    /// <summary>Image, context and held packets together are longer than the target takes.</summary>
    StateTooLarge = 5,

    /// <summary>The target could not read the image or will not continue it.</summary>
    StateMalformed = 6,

    /// <summary>The target has no route to the client, or could not resolve the next hop.</summary>
    NoRoute = 7,

    /// <summary>A message named a handoff that its receiver does not know.</summary>
    UnknownHandoff = 8,

    /// <summary>The home answered the target's question with no.</summary>
    HomeRefused = 9,

    /// <summary>The endpoint was frozen for longer than its budget.</summary>
    FreezeBudget = 10,

    /// <summary>The target did not answer PREPARE in time.</summary>
    PrepareTimeout = 11,

    /// <summary>The source is known to be unreachable.</summary>
    SourceUnreachable = 12,

    /// <summary>The source was started anew and knows nothing of the handoff.</summary>
    SourceRestarted = 13,

    /// <summary>The target is known to be unreachable.</summary>
    TargetUnreachable = 14,

    /// <summary>The target was started anew and knows nothing of the handoff.</summary>
    TargetRestarted = 15,

    /// <summary>The home is known to be unreachable.</summary>
    HomeUnreachable = 16,

    /// <summary>The home was started anew.</summary>
    HomeRestarted = 17,

    /// <summary>Whoever asked for it, or the application, took it back.</summary>
    Cancelled = 18,

    /// <summary>The connection ended before it was frozen.</summary>
    EndpointClosed = 19,

    /// <summary>The source could not freeze the endpoint or write its image.</summary>
    FreezeFailed = 20,

    /// <summary>A later handoff of the same flow shows that this one is over.</summary>
    Superseded = 21,
}

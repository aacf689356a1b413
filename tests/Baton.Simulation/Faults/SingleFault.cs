namespace Baton.Simulation;

/// <summary>Where the home of a handoff is.</summary>
internal enum HomePlace
{
    /// <summary>S is the home.</summary>
    Source,

    /// <summary>T is the home.</summary>
    Target,

    /// <summary>A third node is.</summary>
    Third,
}

/// <summary>What is handed off.</summary>
internal enum FlowKind
{
    /// <summary>A TCP connection whose queues go in STATE.</summary>
    Stream,

    /// <summary>A TCP connection whose queues go ahead.</summary>
    StreamAhead,

    /// <summary>A UDP flow.</summary>
    Datagrams,
}

/// <summary>How the nodes' channels are when the handoff begins.</summary>
internal enum ChannelState
{
    /// <summary>Made, and open.</summary>
    Made,

    /// <summary>Made, and sealed.</summary>
    Sealed,

    /// <summary>Broken at their far ends, which the source has yet to hear; then made anew.</summary>
    Fresh,
}

/// <summary>The one thing that goes wrong.</summary>
internal enum Fault
{
    /// <summary>Nothing does.</summary>
    None,

    /// <summary>The message is lost with its channel, which is made again.</summary>
    Lost,

    /// <summary>The message comes twice.</summary>
    Twice,

    /// <summary>S crashes and comes back with no memory.</summary>
    SourceBack,

    /// <summary>S crashes and stays off; if it was the home another node takes its addresses.</summary>
    SourceOff,

    /// <summary>T crashes and comes back with no memory.</summary>
    TargetBack,

    /// <summary>T crashes and stays off; if it was the home another node takes its addresses.</summary>
    TargetOff,

    /// <summary>H, a third node, crashes and comes back with no memory.</summary>
    HomeBack,

    /// <summary>H, a third node, crashes and stays off; another node takes its addresses.</summary>
    HomeOff,

    /// <summary>S and T do not hear each other for longer than a lease.</summary>
    SourceTargetCut,

    /// <summary>S and H do not.</summary>
    SourceHomeCut,

    /// <summary>T and H do not.</summary>
    TargetHomeCut,
}

/// <summary>A handoff and a fault before one of its steps.</summary>
/// <param name="Home">Where the home is.</param>
/// <param name="Kind">What is handed off.</param>
/// <param name="Channels">How the nodes' channels are.</param>
/// <param name="Fault">What goes wrong.</param>
/// <param name="Step">Before which step, from 1 on; one more than there are: after the last.</param>
internal sealed record SingleFault(HomePlace Home, FlowKind Kind, ChannelState Channels, Fault Fault, int Step);

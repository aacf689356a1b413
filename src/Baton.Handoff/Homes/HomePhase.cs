namespace Baton.Handoff;

/// <summary>What a node is for a service address.</summary>
public enum HomePhase : byte
{
    /// <summary>Not its home: it drops what comes for the address, and answers nothing.</summary>
    Elsewhere,

    /// <summary>Its home by configuration, and just started: it asks whether somebody else is home by now.</summary>
    Asking,

    /// <summary>
    /// Its home, without knowing all flows yet: announced flows are forwarded, everything else is dropped silently, no
    /// handoff is decided.
    /// </summary>
    Recovering,

    /// <summary>Its home.</summary>
    Serving,

    /// <summary>It has given its directory to the next home: known flows are forwarded, nothing is decided.</summary>
    Yielding,

    /// <summary>The next home has taken over: packets of known flows that still come here are forwarded for a while.</summary>
    Former,
}

namespace Baton.Link;

/// <summary>Why the NIC program handed a packet up, or that it did not; these are its first counters, those of drops follow.</summary>
public enum NicVerdict
{
    /// <summary>Left to the host: a fragment, an ICMP message that belongs to no flow, what does not fit the lan.</summary>
    Undecided,

    /// <summary>The endpoint lives here.</summary>
    Local,

    /// <summary>There is no such flow.</summary>
    Unknown,

    /// <summary>For an address of the stack's own.</summary>
    Host,

    /// <summary>Encapsulated, from a member.</summary>
    Encapsulated,

    /// <summary>Not handed up: forwarded to the owner.</summary>
    Forwarded,

    /// <summary>Not handed up: not ours, left to the kernel.</summary>
    Kernel,
}

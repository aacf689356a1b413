namespace Baton.Engine;

/// <summary>Why two members did not agree on keys.</summary>
public enum PeerRefusal
{
    /// <summary>No connection could be made, or it ended before its time.</summary>
    Unreachable,

    /// <summary>The peer showed no certificate.</summary>
    NoCertificate,

    /// <summary>The peer's certificate is not of this farm's authority.</summary>
    UnknownAuthority,

    /// <summary>The peer's certificate names somebody else than the member that has the address.</summary>
    WrongName,

    /// <summary>The peer's certificate is not valid yet or no longer.</summary>
    NotValidNow,

    /// <summary>The peer's certificate is not for members.</summary>
    WrongUse,

    /// <summary>The peer speaks no version of TLS that this node does, or none at all.</summary>
    HandshakeFailed,

    /// <summary>The peer has refused this node; its own counters say why.</summary>
    RefusedByPeer,

    /// <summary>The peer's major version is another.</summary>
    Version,

    /// <summary>The peer said what makes no sense.</summary>
    Malformed,

    /// <summary>It took too long.</summary>
    TimedOut,
}

/// <summary>A peer that was refused, or has refused this node.</summary>
/// <param name="reason">Why.</param>
/// <param name="message">The same for people, and what to do.</param>
public sealed class PeerRefusedException(PeerRefusal reason, string message) : BatonException(message)
{
    /// <summary>Why.</summary>
    public PeerRefusal Reason { get; } = reason;
}

/// <summary>A peer with which no keys could be agreed on. Reported once for each peer and reason, and again after an hour.</summary>
/// <param name="Peer">The member's name.</param>
/// <param name="Reason">Why.</param>
/// <param name="Text">The same for people.</param>
/// <param name="Initiated">Whether this node made the connection.</param>
public sealed record PeerRefusedEvent(string Peer, PeerRefusal Reason, string Text, bool Initiated);

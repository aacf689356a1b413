namespace Baton.Tls;

/// <summary>What a record of the peer was.</summary>
public enum RecordOutcome
{
    /// <summary>Bytes for the application, or none of them.</summary>
    Data,

    /// <summary>Something of TLS itself, done with.</summary>
    Nothing,

    /// <summary>The peer sends no more (RFC 8446 §6.1).</summary>
    Closed,

    /// <summary>The peer says that the connection has failed (§6.2).</summary>
    PeerFailed,

    /// <summary>The record breaks the rules: an alert is to be sent, and the connection ends (§6.2).</summary>
    Failed,
}

using Baton.Membership;

namespace Baton.Engine;

/// <summary>
/// How a shard gets keys for a peer. Called on the shard's thread, returns at once, and tells the outcome by
/// <see cref="PeerSessions.OnAgreed"/> or <see cref="PeerSessions.OnRefused"/>, once, on that thread. A simulation has one
/// that works in virtual time.
/// </summary>
internal interface IKeyAgreement
{
    /// <summary>Begins to agree with a peer.</summary>
    void Begin(Member peer);

    /// <summary>Takes what peers have begun.</summary>
    void AcceptAll();
}

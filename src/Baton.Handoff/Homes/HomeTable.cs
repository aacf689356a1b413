using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The service addresses with what this node knows of each and is for it, and the telling of it: to this node's own parts, and to
/// the members.
/// </summary>
internal sealed class HomeTable
{
    private readonly HomeOutbox _outbox;

    public HomeTable(HomeOutbox outbox, IEnumerable<NodeId> members, IEnumerable<(InetAddress Address, NodeId Home)> addresses)
    {
        _outbox = outbox;
        Members = [.. members];
        All = [.. addresses.Select(a => new ServiceHome(a.Address, a.Home))];
        ByAddress = All.ToFrozenDictionary(home => home.Address);
    }

    /// <summary>All members, this node among them.</summary>
    public NodeId[] Members { get; }

    /// <summary>The addresses, in the order of the configuration.</summary>
    public ServiceHome[] All { get; }

    public FrozenDictionary<InetAddress, ServiceHome> ByAddress { get; }

    /// <summary>Whether this node is heard by so many members that it may be home at all; else it stands down.</summary>
    public bool HoldsRole { get; set; } = true;

    public bool TryFind(InetAddress address, [NotNullWhen(true)] out ServiceHome? home) => ByAddress.TryGetValue(address, out home);

    public bool Exists(Predicate<ServiceHome> match) => Array.Exists(All, match);

    public HomePhase PhaseOf(InetAddress address) => TryFind(address, out var home) ? home.Phase : HomePhase.Elsewhere;

    public NodeId HomeOf(InetAddress address) => TryFind(address, out var home) ? home.Claim.Home : NodeId.None;

    public bool Serves(InetAddress address) => HoldsRole && PhaseOf(address) == HomePhase.Serving;

    /// <summary>The address is here, or stands down.</summary>
    public void Settle(ServiceHome home)
    {
        home.IsServing = HoldsRole && home.Phase == HomePhase.Serving;
        _outbox.Add(HoldsRole ? new HomeOutput.TakeAddress(home.Address) : new HomeOutput.GiveAddress(home.Address));
        Tell(home);
    }

    /// <summary>The address is another's, and nothing of it is kept.</summary>
    public void Leave(ServiceHome home)
    {
        home.Phase = HomePhase.Elsewhere;
        home.Until = Instant.Never;
        _outbox.Add(new HomeOutput.Forget(home.Address));
    }

    /// <summary>Tells this node's own parts who is home.</summary>
    public void Tell(ServiceHome home) => _outbox.Add(new HomeOutput.HomeIs(home.Address, home.Claim.Home, home.IsServing));

    /// <summary>Tells all members the claims that this node knows.</summary>
    public void Broadcast()
    {
        foreach (var member in Members)
        {
            SendClaims(member);
        }
    }

    /// <summary>Tells a member the claims that this node knows.</summary>
    public void SendClaims(NodeId peer)
    {
        if (_outbox.Reaches(peer))
        {
            _outbox.Send(peer, Claims.Write([.. All.Where(h => h.Claim.Home != NodeId.None).Select(h => (h.Claim, h.IsServing))]));
        }
    }
}

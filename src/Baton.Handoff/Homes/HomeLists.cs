using System.Diagnostics.CodeAnalysis;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The lists by which owners tell homes what lives with them, and a home gives its directory to the next: those that this
/// node sends, and those that come in, part by part. A list counts only for the claims that it names, while they hold.
/// </summary>
internal sealed class HomeLists(HomeOutbox outbox, HomeTable homes)
{
    private readonly Dictionary<NodeId, Incoming> _incoming = [];
    private readonly Dictionary<ulong, Outgoing> _outgoing = [];
    private readonly Dictionary<NodeId, ulong> _last = [];
    private ulong _number;

    /// <summary>Asks for this node's endpoints behind all addresses of a home.</summary>
    public void Begin(NodeId home)
    {
        HomeClaim[] claims = [.. homes.All.Where(h => h.Claim.Home == home).Select(h => h.Claim)];
        if (claims.Length > 0 && outbox.Reaches(home))
        {
            _outgoing.Add(++_number, new(home, claims, IsDirectory: false));
            _last[home] = _number;
            outbox.Add(new HomeOutput.ListEndpoints(home, _number, [.. claims.Select(c => c.Address)]));
        }
    }

    /// <summary>Asks for this node's endpoints behind an address of its own.</summary>
    public void BeginOwn(InetAddress address)
    {
        _outgoing.Add(++_number, new(outbox.Self, [homes.ByAddress[address].Claim], IsDirectory: false));
        outbox.Add(new HomeOutput.ListEndpoints(outbox.Self, _number, [address]));
    }

    /// <summary>Asks for the directory of an address, for the next home.</summary>
    public void BeginDirectory(NodeId heir, InetAddress address)
    {
        _outgoing.Add(++_number, new(heir, [homes.ByAddress[address].Claim], IsDirectory: true));
        outbox.Add(new HomeOutput.ListDirectory(heir, _number, address));
    }

    /// <summary>Sends what was asked for; what was for this node itself is the caller's.</summary>
    /// <returns>The claims that the list is for; none when it was for another channel.</returns>
    public IReadOnlyList<HomeClaim> Send(ulong number, IReadOnlyList<Announcement> items)
    {
        if (!_outgoing.Remove(number, out var outgoing))
        {
            return [];
        }

        if (outgoing.To != outbox.Self)
        {
            foreach (byte[] part in ListPart.Write(number, outgoing.IsDirectory, outgoing.Claims, items))
            {
                outbox.Send(outgoing.To, part);
            }
        }

        return outgoing.Claims;
    }

    /// <summary>Whether it is the last list to the home that this answers.</summary>
    public bool IsLast(NodeId home, ulong number) => _last.TryGetValue(home, out ulong last) && last == number;

    /// <summary>What was under way is lost, in both directions.</summary>
    public void OnChannelChanged(NodeId peer)
    {
        _incoming.Remove(peer);
        _last.Remove(peer);
        foreach (var (number, outgoing) in _outgoing)
        {
            if (outgoing.To == peer)
            {
                _outgoing.Remove(number);
            }
        }
    }

    /// <summary>Takes the part of an owner's list, if it is the next one of a list for this home.</summary>
    public bool TryContinue(NodeId from, in ListPart.Header header, List<HomeClaim> claims)
    {
        if (header.IsFirst)
        {
            _incoming[from] = new(header.Number, [.. claims.Where(IsHeldHere).Select(c => homes.ByAddress[c.Address])], IsDirectory: false);
        }

        return _incoming.TryGetValue(from, out var incoming) && incoming.Number == header.Number && !incoming.IsDirectory;
    }

    public bool Covers(NodeId from, InetAddress address, [NotNullWhen(true)] out ServiceHome? home)
    {
        home = _incoming[from].Homes.Find(h => h.Address == address);
        return home is not null;
    }

    /// <summary>The list is complete.</summary>
    public List<ServiceHome> End(NodeId from)
    {
        _incoming.Remove(from, out var incoming);
        return incoming.Homes.FindAll(home => home.IsHere);
    }

    /// <summary>Takes the part of the directory that the home gives to this node.</summary>
    public bool TryContinueDirectory(NodeId from, in ListPart.Header header, List<HomeClaim> claims, [NotNullWhen(true)] out ServiceHome? home)
    {
        if (header.IsFirst)
        {
            _incoming.Remove(from);
            if (homes.TryFind(claims[0].Address, out var given) && given.Claim == claims[0] && given.Claim.Home == from)
            {
                _incoming[from] = new(header.Number, [given], IsDirectory: true);
                outbox.Add(new HomeOutput.Forget(given.Address));
            }
        }

        home = null;
        if (_incoming.TryGetValue(from, out var incoming) && incoming.Number == header.Number && incoming.IsDirectory)
        {
            // Another claim may have come between its parts.
            home = incoming.Homes[0].Claim.Home == from ? incoming.Homes[0] : null;
            if (header.IsLast)
            {
                _incoming.Remove(from);
            }
        }

        return home is not null;
    }

    private bool IsHeldHere(HomeClaim claim) => homes.TryFind(claim.Address, out var home) && home.IsHere && home.Claim == claim;

    private readonly record struct Incoming(ulong Number, List<ServiceHome> Homes, bool IsDirectory);

    private readonly record struct Outgoing(NodeId To, IReadOnlyList<HomeClaim> Claims, bool IsDirectory);
}

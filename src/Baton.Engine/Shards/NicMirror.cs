using Baton.Director;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Keeps the NIC program's copy in step with directory, stack and neighbours. The table changes first, then the copy, in one
/// update; and the copy has only flows of addresses that this node serves, so that the program is silent where the host
/// would be.
/// </summary>
internal sealed class NicMirror : IFlowObserver, IReferenceObserver
{
    private readonly Shard _shard;
    private readonly NicCache _nic;
    private readonly HashSet<InetAddress> _served = [];
    private readonly InetAddress[] _services;
    private readonly NicQueue? _queue;
    private int _neighbourChanges = -1;

    public NicMirror(Shard shard, NicCache nic)
    {
        _shard = shard;
        _nic = nic;
        _services = [.. shard.Farm.Members.Members.SelectMany(member => member.ServiceAddresses).Distinct()];
        _queue = nic.Front.Queues.ElementAtOrDefault(shard.Index);
        if (shard.Index == 0)
        {
            AddFront();
            AddLan();
        }

        shard.Flows.Observer = this;
        shard.Stack.References = this;
    }

    /// <summary>Flows and references that there was no room for: the host decides about their packets.</summary>
    public long Overflows { get; private set; }

    /// <summary>Local packets that came with another endpoint or epoch than the directory has by now.</summary>
    public long Stale { get; private set; }

    /// <summary>What the programs have counted; the first shard says it for all.</summary>
    public long Count(NicVerdict verdict) => _shard.Index > 0 ? 0 : _nic.Front.Count(verdict) + _nic.Lan.Count(verdict);

    /// <summary>What the programs have dropped; the first shard says it for all.</summary>
    public long Count(DropReason reason) => _shard.Index > 0 ? 0 : _nic.Front.Count(reason) + _nic.Lan.Count(reason);

    /// <summary>Packets that they handed up.</summary>
    public long HandedUp => Count(NicVerdict.Undecided) + Count(NicVerdict.Local) + Count(NicVerdict.Unknown) + Count(NicVerdict.Host) + Count(NicVerdict.Encapsulated);

    public void OnWritten(in FlowEntry entry)
    {
        if (_served.Contains(entry.Flow.Tuple.LocalAddress))
        {
            Write(in entry);
        }
    }

    public void OnRemoved(in FlowEntry entry)
    {
        if (_served.Contains(entry.Flow.Tuple.LocalAddress))
        {
            _nic.Remove(entry.Flow);
        }
    }

    public void OnIssued(Endpoint endpoint) => Overflows += _nic.TryIssue(endpoint.Id, endpoint.Epoch) ? 0 : 1;

    public void OnEnded(Endpoint endpoint) => _nic.Withdraw(endpoint.Id);

    /// <summary>What this node is for its addresses may have changed.</summary>
    public void OnHomes()
    {
        foreach (var address in _services)
        {
            bool serves = _shard.Node.Serves(address);
            if (serves && _served.Add(address))
            {
                foreach (ref readonly var entry in _shard.Flows)
                {
                    if (entry.Flow.Tuple.LocalAddress == address)
                    {
                        Write(in entry);
                    }
                }
            }
            else if (!serves && _served.Contains(address))
            {
                StandDown(address);
            }
        }
    }

    /// <summary>Nothing is forwarded without the host any more.</summary>
    public void StandDown()
    {
        foreach (var address in _served.ToArray())
        {
            StandDown(address);
        }
    }

    /// <summary>Neighbours' Ethernet addresses may have changed: the first shard's stack has heard it, as all have.</summary>
    public void OnRun()
    {
        if (_shard.Index > 0 || _neighbourChanges == _shard.Stack.NeighbourChanges)
        {
            return;
        }

        _neighbourChanges = _shard.Stack.NeighbourChanges;
        var lan = _shard.Options.Lan.Link;
        foreach (var member in _shard.Farm.Members.Members)
        {
            if (member.Id == _shard.Farm.Self.Id)
            {
                continue;
            }

            if (_shard.Stack.LinkAddressOf(member.LanAddress) is { } mac)
            {
                _nic.SetNextHop(member.Id, mac, lan.Address, _shard.Farm.Self.LanAddress, member.LanAddress, lan.Mtu);
            }
            else
            {
                _nic.RemoveNextHop(member.Id);
            }
        }
    }

    /// <summary>Compares what the program said of the packet at hand with what the directory says: the directory is right.</summary>
    public void Compare(in Verdict verdict)
    {
        if (_queue?.Mark is { Verdict: NicVerdict.Local } mark
            && (verdict.Kind != VerdictKind.Local || verdict.Epoch != mark.Epoch || ReferenceCodec.Id(verdict.Reference.Span) != mark.Endpoint))
        {
            Stale++;
        }
    }

    private void AddFront()
    {
        foreach (var address in _services)
        {
            _nic.AddService(address);
        }

        var front = ShardSettings.Front(_shard.Options, _shard.Farm);
        AddOwn(_nic.Front, front);
        foreach (var hop in (InetAddress?[])[front.Gateway, front.GatewayV6, .. _shard.Options.Members.Select(member => (InetAddress?)member.FrontAddress)])
        {
            if (hop is { IsV4: true } neighbour)
            {
                _nic.AddNeighbour(neighbour);
            }
        }
    }

    private void AddLan()
    {
        AddOwn(_nic.Lan, ShardSettings.Lan(_shard.Options, _shard.Farm));
        _nic.AddLan(_shard.Farm.Self.LanAddress);
        foreach (var member in _shard.Farm.Members.Members)
        {
            if (member.Id != _shard.Farm.Self.Id)
            {
                _nic.AddMember(member.Id, member.LanAddress);
            }
        }
    }

    private static void AddOwn(NicInterface at, InterfaceOptions options)
    {
        foreach (var own in options.Addresses)
        {
            NicCache.AddOwn(at, own.Address);
        }

        if (options.SpeaksV6)
        {
            // What the stack listens to besides (RFC 4291 §2.8).
            NicCache.AddOwn(at, InetAddress.LinkLocalOf(options.MacAddress));
            NicCache.AddOwn(at, InetAddress.AllNodes);
        }
    }

    private void Write(in FlowEntry entry)
    {
        var kind = entry.Owner == _shard.Farm.Self.Id ? VerdictKind.Local : VerdictKind.Forward;
        ushort port = Encapsulation.SourcePort(entry.Flow.Hash(_shard.Options.Keys.Flow));
        Overflows += _nic.TryWrite(entry.Flow, kind, entry.Owner, entry.Epoch, in entry.Reference, port) ? 0 : 1;
    }

    private void StandDown(InetAddress address)
    {
        foreach (ref readonly var entry in _shard.Flows)
        {
            if (entry.Flow.Tuple.LocalAddress == address)
            {
                _nic.Remove(entry.Flow);
            }
        }

        _served.Remove(address);
    }
}

using Baton.Director;
using Baton.Handoff;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>One shard's part in the home role: its part of the directory, and its endpoints behind service addresses.</summary>
internal sealed class HomeShare(Shard shard)
{
    /// <summary>Flows whose owner was lost, and whose clients are reset when they send next.</summary>
    public long WrittenOff { get; private set; }

    /// <summary>Endpoints that ended here because their home did not know them any more.</summary>
    public long Discarded { get; private set; }

    /// <summary>Entries removed because their owner did not list them.</summary>
    public long Reconciled { get; private set; }

    private Instant Now => shard.Now;

    private NodeId Self => shard.Farm.Self.Id;

    /// <summary>An endpoint has become active here: it is silent if its home cannot be heard.</summary>
    public void OnAwake(Endpoint endpoint)
    {
        var address = endpoint.Flow.Tuple.LocalAddress;
        if (EndpointRecord.Of(endpoint) is { } record)
        {
            record.OutlivedLease = false;
        }

        if (!shard.Node.MaySpeak(address))
        {
            Suspend(endpoint);
            shard.Node.OnSilentlyActive(address);
        }
    }

    /// <summary>A handoff away from here has ended: what its home did not know any more, and it has left here, ends too.</summary>
    public void OnHandoffEnded(EndpointRecord record)
    {
        if (record.IsGone && record.Endpoint.Phase is EndpointPhase.Active or EndpointPhase.Frozen)
        {
            Discard(record);
        }
    }

    /// <summary>A member has told of an endpoint: it gets its entry, or is told of by the first shard as one that has no place.</summary>
    public void Announce(HomeOutput.Announce o)
    {
        bool known = shard.Flows.TryFind(o.Announced.Flow, out var before);
        bool gone = shard.Flows.Announce(o.Announced, o.List, o.Recovering) is AnnounceResult.Gone or AnnounceResult.Full;
        bool displaced = known && shard.Flows.TryFind(o.Announced.Flow, out var after) && after.Owner != before.Owner;
        bool goneElsewhere = gone && o.Announced.Owner != Self;
        bool displacedElsewhere = displaced && before.Owner != Self;
        if (gone && !goneElsewhere)
        {
            End(ReferenceCodec.Id(o.Announced.Reference.Span));
        }

        if (displaced && !displacedElsewhere)
        {
            End(ReferenceCodec.Id(before.Reference.Span));
        }

        if (goneElsewhere || displacedElsewhere)
        {
            shard.RunOn(shard.First, first => first.Homes.OnAnnounced(o.Announced, goneElsewhere, displacedElsewhere ? before : null));
        }
    }

    public void Restore(HomeOutput.Restore o) => shard.Flows.Restore(o.Entry);

    public void RemoveUnlisted(HomeOutput.RemoveUnlisted o) => Reconciled += shard.Flows.RemoveUnlisted(o.Owner, o.Address, o.List);

    public void Forget(HomeOutput.Forget o) => shard.Flows.RemoveAll(o.Address, NodeId.None);

    public void WriteOff(HomeOutput.WriteOff o) => WrittenOff += shard.Flows.RemoveAll(o.Address, o.Owner);

    public void Silence(HomeOutput.Silence o) => ForEach(o.Address, endpoint =>
    {
        if (EndpointRecord.Of(endpoint) is { } record)
        {
            record.OutlivedLease = endpoint.Phase is EndpointPhase.Active or EndpointPhase.Frozen;
        }

        Suspend(endpoint);
    });

    public void Speak(HomeOutput.Speak o) => ForEach(o.Address, Continue);

    public void Discard(HomeOutput.Discard o) => End(o.Endpoint);

    public void EndSilent(HomeOutput.EndSilent o) => ForEach(o.Address, endpoint =>
    {
        if (endpoint.Phase == EndpointPhase.Frozen && EndpointRecord.Of(endpoint) is { OutlivedLease: true })
        {
            End(endpoint.Id);
        }
    });

    /// <summary>One that is in a handoff ends with it: by the home's word, or when it is called off.</summary>
    private void End(EndpointId id)
    {
        if (shard.Stack.Find(id) is not { } endpoint || EndpointRecord.Of(endpoint) is not { } record)
        {
            return;
        }

        if (record.Running is { IsArrival: false })
        {
            record.IsGone = true;
            shard.Handoffs.CallOff(endpoint);
        }
        else if (record.Running is null)
        {
            Discard(record);
        }
    }

    /// <summary>This shard's endpoints behind the addresses.</summary>
    public List<Announcement> ListEndpoints(IReadOnlyList<InetAddress> addresses)
    {
        var list = new List<Announcement>();
        foreach (var endpoint in shard.Stack.Endpoints)
        {
            if (endpoint.Service is null || endpoint.Reference.Length == 0 || endpoint.Phase == EndpointPhase.Closed
                || endpoint is TcpEndpoint { Connection.State: TcpState.Closed }
                || !addresses.Contains(endpoint.Flow.Tuple.LocalAddress)
                || EndpointRecord.Of(endpoint) is { IsGone: true })
            {
                continue;
            }

            // What only its lease keeps silent is nobody else's.
            var phase = endpoint.Phase switch
            {
                EndpointPhase.Embryo => AnnouncedPhase.Ready,
                EndpointPhase.Frozen when EndpointRecord.Of(endpoint) is not { IsSuspended: true } => AnnouncedPhase.Frozen,
                _ => AnnouncedPhase.Active,
            };
            list.Add(new(endpoint.Flow, Self, endpoint.Epoch, phase, HandoffId.None, endpoint.Reference));
        }

        return list;
    }

    /// <summary>This shard's part of an address's directory.</summary>
    public List<Announcement> ListDirectory(InetAddress address)
    {
        var list = new List<Announcement>();
        foreach (ref readonly var entry in shard.Flows)
        {
            if (entry.Flow.Tuple.LocalAddress == address)
            {
                list.Add(new(entry.Flow, entry.Owner, entry.Epoch, AnnouncedPhase.Active, entry.LastHandoff, entry.Reference));
            }
        }

        return list;
    }

    private void Discard(EndpointRecord record)
    {
        Discarded++;
        var endpoint = record.Endpoint;
        shard.Moves.OnClosed(record);
        shard.Stack.Remove(endpoint);
        (endpoint.Application as Attachment)?.Leave(LeaveReason.Closed);
    }

    private void ForEach(InetAddress address, Action<Endpoint> action)
    {
        foreach (var endpoint in shard.Stack.Endpoints.ToArray())
        {
            if (endpoint.Service is not null && endpoint.Flow.Tuple.LocalAddress == address)
            {
                action(endpoint);
            }
        }
    }

    private void Suspend(Endpoint endpoint)
    {
        if (endpoint.Phase != EndpointPhase.Active || EndpointRecord.Of(endpoint) is not { } record)
        {
            return;
        }

        if (shard.Stack.Freeze(Now, endpoint))
        {
            record.IsSuspended = true;
        }
        else
        {
            // Half open: it cannot hold, and its client tries again.
            shard.Stack.Remove(endpoint);
            shard.Handoffs.OnEndpointClosed(record, 0);
        }
    }

    private void Continue(Endpoint endpoint)
    {
        if (EndpointRecord.Of(endpoint) is { IsSuspended: true } record)
        {
            record.IsSuspended = false;
            if (endpoint.Phase == EndpointPhase.Frozen)
            {
                shard.Stack.Thaw(Now, endpoint, endpoint.Epoch);
                record.Attachment?.Continue();
                shard.Applications.TryBind(record);
            }
        }
    }
}

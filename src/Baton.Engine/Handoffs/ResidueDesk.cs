using Baton.Handoff;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// TIME-WAIT at the home: an owner leaves what answers for its connection to the home, which keeps it as an endpoint of its own
/// without application.
/// </summary>
internal sealed class ResidueDesk(Shard shard, HandoffAgent agent)
{
    /// <summary>Residues that this node as home has taken.</summary>
    public long Taken { get; private set; }

    private Instant Now => shard.Now;

    /// <summary>At the owner: the home is asked, if it is another node, and the connection is in TIME-WAIT and nobody's.</summary>
    public void Offer(EndpointRecord record, NodeId home)
    {
        var endpoint = record.Endpoint;
        if (record is { Stage: EndpointStage.Closing, Running: null }
            && endpoint is TcpEndpoint { Phase: EndpointPhase.Active, IsResidue: false, Connection.State: TcpState.TimeWait }
            && !shard.Node.IsYielding(endpoint.Flow.Tuple.LocalAddress))
        {
            agent.OnTimeWait(Now, endpoint.Flow, home, endpoint.Epoch, endpoint.Id);
        }
    }

    public void Write(HandoffOutput.WriteResidue o)
    {
        var connection = (shard.Stack.Find(o.Endpoint) as TcpEndpoint)?.Connection;
        agent.OnResidueWritten(Now, o.Endpoint, connection is null ? [] : connection.ToResidue(Now));
    }

    public void Take(HandoffOutput.TakeResidue o) => agent.OnResidueTaken(Now, o, TryTake(o));

    /// <summary>At the owner: as if TIME-WAIT had ended, but the home need not be told.</summary>
    public void Drop(HandoffOutput.DropResidue o)
    {
        if (shard.Stack.Find(o.Endpoint) is { } endpoint && EndpointRecord.Of(endpoint) is { } record)
        {
            shard.Path.Closed++;
            shard.Moves.OnClosed(record);
            shard.Stack.Remove(endpoint);
            record.Attachment?.Leave(LeaveReason.Closed);
        }
    }

    private bool TryTake(HandoffOutput.TakeResidue o)
    {
        if (!shard.Flows.TryFind(o.Flow, out var entry) || entry.Owner != o.Owner || ReferenceCodec.Id(entry.Reference.Span) != o.Endpoint)
        {
            // Said again, or late: nothing goes to that endpoint any more, be it another connection between the same ports by now.
            return true;
        }

        if (entry.Epoch != o.Epoch || shard.IsDraining || !shard.Farm.Services.TryFind(o.Flow, out var service))
        {
            return false;
        }

        var epoch = new Epoch(o.Epoch.Value + 1);
        if (shard.Stack.TakeResidue(Now, o.Flow, service, shard.NameEndpoint(), epoch, o.Residue.Span) is not { } endpoint)
        {
            return false;
        }

        endpoint.Tag = new EndpointRecord(endpoint, Now) { Stage = EndpointStage.Closing, From = o.Owner, Served = true };
        var reference = shard.Stack.IssueReference(endpoint, epoch, shard.Applications.PortOf(service, service.ApplicationName));
        shard.Flows.CompareAndSwap(SwapQuestion.Commit(
            o.Flow, new HandoffId(shard.Random.NextName()), o.Owner, o.Epoch, o.Endpoint, shard.Farm.Self.Id, reference));
        Taken++;
        shard.HomeShare.OnAwake(endpoint);
        return true;
    }
}

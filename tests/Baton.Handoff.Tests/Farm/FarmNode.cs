using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Handoff.Tests.Farm;

/// <summary>A member: the production protocol with a fake stack and a fake directory, as the engine's table would join them.</summary>
internal sealed class FarmNode
{
    private readonly Farm _farm;
    private bool _carryingOut;

    public FarmNode(Farm farm, NodeId id, ulong incarnation)
    {
        _farm = farm;
        Id = id;
        Incarnation = incarnation;
        Agent = new HandoffAgent(id, farm.Limits);
    }

    public NodeId Id { get; }

    public ulong Incarnation { get; }

    public bool Alive { get; set; } = true;

    public HandoffAgent Agent { get; }

    public HomeTable Home { get; } = new();

    public Dictionary<EndpointId, FarmEndpoint> Endpoints { get; } = [];

    public Dictionary<EndpointId, EncodedReference> Tombstones { get; } = [];

    /// <summary>Reasons to refuse with, when a test wants that.</summary>
    public HandoffReason RefusePrepare { get; set; }

    public HandoffReason RefuseInstall { get; set; }

    public HandoffReason RefuseFreeze { get; set; }

    /// <summary>Swallows the engine's answer to a kind of output, as an engine does that takes for ever.</summary>
    public Func<HandoffOutput, bool> NeverAnswers { get; set; } = _ => false;

    /// <summary>There is no room for what others leave of connections in TIME-WAIT.</summary>
    public bool RefuseResidues { get; set; }

    public FarmEndpoint? Active(Flow flow) => Endpoints.Values.SingleOrDefault(e => e.Flow == flow && e.Phase == EndpointPhase.Active);

    /// <summary>An input, and everything that comes of it. Within another input's outputs it adds to them, in order.</summary>
    public void Input(Action<HandoffAgent> input)
    {
        if (!Alive)
        {
            return;
        }

        input(Agent);
        if (_carryingOut)
        {
            return;
        }

        _carryingOut = true;
        while (Alive && Agent.TryTakeOutput(out var output))
        {
            _farm.BeforeOutput(this, output);
            if (Alive)
            {
                CarryOut(output);
            }
        }

        _carryingOut = false;
        if (Alive && Agent.NextDeadline != Instant.Never)
        {
            _farm.At(Agent.NextDeadline, () =>
            {
                if (Agent.NextDeadline <= _farm.Now)
                {
                    Input(a => a.OnDeadline(_farm.Now));
                }
            });
        }
    }

    public void OnPacket(EndpointId to, int packet, int hops)
    {
        if (Endpoints.TryGetValue(to, out var endpoint))
        {
            (endpoint.Phase == EndpointPhase.Active ? endpoint.Processed : endpoint.Held).Add(packet);
        }
        else if (Tombstones.TryGetValue(to, out var reference) && hops > 0)
        {
            _farm.Forward(reference, packet, hops - 1);
        }
    }

    public FarmEndpoint NewEndpoint(Flow flow, Epoch epoch, EndpointPhase phase)
    {
        var endpoint = new FarmEndpoint(new(_farm.NextRandom()), flow, epoch, phase);
        Endpoints.Add(endpoint.Id, endpoint);
        return endpoint;
    }

    public EncodedReference Issue(FarmEndpoint endpoint, Epoch epoch)
    {
        var bytes = new byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, Id.Value);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(2), endpoint.Id.Value);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(10), epoch.Value);
        endpoint.Reference = EncodedReference.FromBytes(bytes);
        return endpoint.Reference;
    }

    public static EndpointId EndpointOf(in EncodedReference reference) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(reference.Span[2..]));

    private void CarryOut(HandoffOutput output)
    {
        switch (output)
        {
            case HandoffOutput.Send o:
                _farm.Send(this, o.Peer, (byte[])[.. o.Message.Span, .. o.Chunk.Span]);
                break;
            case HandoffOutput.Precopy o:
                Answer(o, () => AnswerPrecopy(o));
                break;
            case HandoffOutput.Freeze o:
                Answer(o, () => AnswerFreeze(o));
                break;
            case HandoffOutput.Thaw o:
                if (Endpoints.TryGetValue(o.Endpoint, out var thawed))
                {
                    thawed.HeldMark = 0;
                    Run(thawed, o.Epoch);
                }

                break;
            case HandoffOutput.BecomeTombstone o:
                if (Endpoints.Remove(o.Endpoint, out var copy))
                {
                    Tombstones[o.Endpoint] = o.Reference;
                    copy.Held.Skip(copy.HeldMark).ToList().ForEach(packet => _farm.Forward(o.Reference, packet, 4));
                }

                break;
            case HandoffOutput.CreateEmbryo o:
                Answer(o, () => AnswerCreate(o));
                break;
            case HandoffOutput.Install o:
                Answer(o, () => AnswerInstall(o));
                break;
            case HandoffOutput.Activate o:
                var activated = Endpoints[o.Embryo];
                activated.Processed.AddRange(activated.HeldInState);
                Run(activated, o.Epoch);
                break;
            case HandoffOutput.Discard o:
                Endpoints.Remove(o.Endpoint);
                break;
            case HandoffOutput.AskSwap o:
                Answer(o, () => Input(a => a.OnSwapped(_farm.Now, o.Asker, o.Question, Home.CompareAndSwap(o.Question))));
                break;
            case HandoffOutput.RemoveEntry o:
                Home.Close(o.Flow, o.Owner, o.Epoch, o.Endpoint);
                break;
            case HandoffOutput.WriteResidue o:
                byte[] residue = Endpoints.TryGetValue(o.Endpoint, out var waiting) && waiting.InTimeWait ? [1, 2, 3] : [];
                Answer(o, () => Input(a => a.OnResidueWritten(_farm.Now, o.Endpoint, residue)));
                break;
            case HandoffOutput.TakeResidue o:
                Answer(o, () => Input(a => a.OnResidueTaken(_farm.Now, o, TryTake(o))));
                break;
            case HandoffOutput.DropResidue o:
                Endpoints.Remove(o.Endpoint);
                break;
            case HandoffOutput.Completed o:
                _farm.Invariants.OnCompleted(this, o);
                break;
            default:
                Assert.Fail($"an output without a line in the table: {output}");
                break;
        }
    }

    private bool TryTake(HandoffOutput.TakeResidue o)
    {
        if (!Home.TryGet(o.Flow, out var entry) || entry.Owner != o.Owner || EndpointOf(entry.Reference) != o.Endpoint)
        {
            return true;
        }

        if (RefuseResidues)
        {
            return false;
        }

        Assert.Equal([1, 2, 3], o.Residue.ToArray());
        var epoch = new Epoch(o.Epoch.Value + 1);
        var endpoint = NewEndpoint(o.Flow, epoch, EndpointPhase.Active);
        endpoint.InTimeWait = true;
        var question = SwapQuestion.Commit(o.Flow, new(_farm.NextRandom()), o.Owner, o.Epoch, o.Endpoint, Id, Issue(endpoint, epoch));
        Assert.Equal(SwapOutcome.Swapped, Home.CompareAndSwap(question).Outcome);
        return true;
    }

    private void Run(FarmEndpoint endpoint, Epoch epoch)
    {
        endpoint.Phase = EndpointPhase.Active;
        endpoint.Epoch = epoch;
        endpoint.Processed.AddRange(endpoint.Held);
        endpoint.Held.Clear();
        _farm.Invariants.OnActive(this, endpoint);
    }

    private void AnswerPrecopy(HandoffOutput.Precopy o)
    {
        if (!Endpoints.TryGetValue(o.Endpoint, out var endpoint))
        {
            return;
        }

        // Two pieces, and a tail that is left for STATE.
        int end = Math.Max(o.Offset, endpoint.Blob.Length * 3 / 4);
        int middle = (o.Offset + end) / 2;
        Input(a => a.OnPrecopied(_farm.Now, o.Handoff, o.Offset, endpoint.Blob.AsMemory(o.Offset..middle), complete: false));
        Input(a => a.OnPrecopied(_farm.Now, o.Handoff, middle, endpoint.Blob.AsMemory(middle..end), complete: true));
    }

    private void AnswerFreeze(HandoffOutput.Freeze o)
    {
        if (RefuseFreeze != HandoffReason.None || !Endpoints.TryGetValue(o.Endpoint, out var endpoint))
        {
            Input(a => a.OnFreezeFailed(_farm.Now, o.Handoff, RefuseFreeze == HandoffReason.None ? HandoffReason.FreezeFailed : RefuseFreeze));
            return;
        }

        if (!Agent.IsMoving(o.Flow))
        {
            // Given up before the freeze was there.
            return;
        }

        endpoint.Phase = EndpointPhase.Frozen;
        endpoint.HeldMark = endpoint.Held.Count;
        Input(a => a.OnFrozen(_farm.Now, o.Handoff, endpoint.ToState(o.PrecopiedBytes)));
    }

    private void AnswerCreate(HandoffOutput.CreateEmbryo o)
    {
        var refusal = RefusePrepare != HandoffReason.None ? RefusePrepare
            : Endpoints.Values.Any(e => e.Flow == o.Flow) ? HandoffReason.FlowInUse
            : HandoffReason.None;
        if (refusal != HandoffReason.None)
        {
            Input(a => a.OnPrepareRefused(_farm.Now, o.Handoff, refusal));
            return;
        }

        var embryo = NewEndpoint(o.Flow, o.Epoch, EndpointPhase.Embryo);
        Input(a => a.OnPrepared(_farm.Now, o.Handoff, embryo.Id));
    }

    private void AnswerInstall(HandoffOutput.Install o)
    {
        if (RefuseInstall != HandoffReason.None)
        {
            Input(a => a.OnInstallFailed(_farm.Now, o.Handoff, RefuseInstall));
        }
        else if (Endpoints.TryGetValue(o.Embryo, out var embryo))
        {
            embryo.Install(o.Precopied, o.State);
            var reference = Issue(embryo, o.Epoch);
            Input(a => a.OnInstalled(_farm.Now, o.Handoff, reference));
        }
    }

    /// <summary>At once, as a shard does for its own endpoints, or later, as it does for another shard's.</summary>
    private void Answer(HandoffOutput question, Action answer)
    {
        if (NeverAnswers(question))
        {
            return;
        }

        if (_farm.AnswerDelay() is { } delay)
        {
            _farm.At(_farm.Now + delay, () =>
            {
                if (Alive)
                {
                    answer();
                }
            });
        }
        else
        {
            answer();
        }
    }
}

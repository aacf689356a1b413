using Baton.Director;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The way of a packet from a link to the stack or to another node: admitted, put together, decided, delivered or
/// forwarded.
/// </summary>
internal sealed class PacketPath
{
    private readonly Shard _shard;
    private readonly InterfaceId _front;
    private readonly InterfaceId _lan;

    public PacketPath(Shard shard, InterfaceId front, InterfaceId lan)
    {
        _shard = shard;
        _front = front;
        _lan = lan;
        Front = new Port(this, fromLan: false);
        Lan = new Port(this, fromLan: true);
    }

    /// <summary>Takes the front's frames.</summary>
    public IFrameReceiver Front { get; }

    /// <summary>Takes the lan's frames.</summary>
    public IFrameReceiver Lan { get; }

    /// <summary>Counters.</summary>
    public PathCounters Counters { get; } = new();

    private NetworkStack Stack => _shard.Stack;

    /// <summary>A frame that came in at another shard: it is this one's, or everybody's.</summary>
    public void OnCrossed(bool fromLan, FrameOffload offload, ReadOnlySpan<byte> frame) => OnFrame(fromLan, offload, frame, crossing: null);

    private void OnFrame(bool fromLan, FrameOffload offload, ReadOnlySpan<byte> frame, Crossing? crossing)
    {
        if (!EthernetHeader.TryParse(frame, out var ethernet))
        {
            Drop(DropReason.Truncated);
            return;
        }

        var bytes = frame[EthernetHeader.Length..];
        switch (ethernet.EtherType)
        {
            case EtherType.Arp:
                if (Stack.OnArp(_shard.Now, fromLan ? _lan : _front, frame) == DropReason.None)
                {
                    ToOthers(crossing, fromLan, frame);
                }

                break;
            case EtherType.Ipv4 or EtherType.Ipv6:
                OnPacket(fromLan, in ethernet, offload, bytes, crossing);
                break;
            default:
                Drop(DropReason.UnknownEtherType);
                break;
        }
    }

    /// <summary>Each shard has to know its neighbours: answers and announcements (RFC 5227 §3) are for all, a question for one.</summary>
    private static void ToOthers(Crossing? crossing, bool fromLan, ReadOnlySpan<byte> frame)
    {
        if (crossing is not null
            && ArpPacket.TryParse(frame[EthernetHeader.Length..], out var arp) == DropReason.None
            && (arp.Operation == ArpOperation.Reply || arp.SenderAddress == arp.TargetAddress))
        {
            crossing.SendToAll(fromLan, FrameOffload.None, frame);
        }
    }

    /// <summary>Gives a packet to the shard that it is for; false when that is this one.</summary>
    private bool Crosses(Crossing crossing, bool fromLan, in EthernetHeader ethernet, in IpPacket layout, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        int shard = _shard.Steering.OfPacket(_shard.Index, fromLan, in layout, bytes);
        if (shard != _shard.Index)
        {
            crossing.Send(shard, fromLan, offload, in ethernet, bytes);
            return true;
        }

        if (Steering.IsForAll(in layout, bytes))
        {
            crossing.SendToAll(fromLan, offload, in ethernet, bytes);
        }

        return false;
    }

    private void OnPacket(bool fromLan, in EthernetHeader ethernet, FrameOffload offload, ReadOnlySpan<byte> bytes, Crossing? crossing)
    {
        var reason = IpPacket.TryParse(bytes, out var layout);
        if (reason != DropReason.None)
        {
            Stack.OnMalformed(_shard.Now, fromLan ? _lan : _front, in ethernet, bytes, reason);
            return;
        }

        if (crossing is not null && Crosses(crossing, fromLan, in ethernet, in layout, bytes, offload))
        {
            return;
        }

        // Silence, never RST: a wrong RST costs more than a lost packet.
        if (_shard.Farm.IsServiceAddress(layout.Destination) && !_shard.Node.Answers(layout.Destination))
        {
            OnNotHome(fromLan, in ethernet, in layout, bytes, offload);
            return;
        }

        if (Stack.Admit(fromLan ? _lan : _front, in ethernet, in layout, out bool isService) != DropReason.None)
        {
            return;
        }

        if (layout.IsFragment)
        {
            if (Stack.OnFragment(_shard.Now, in layout, bytes, out var whole) != DropReason.None || whole.IsEmpty)
            {
                return;
            }

            bytes = whole;
            offload = FrameOffload.None;
            reason = IpPacket.TryParse(bytes, out layout);
            if (reason != DropReason.None)
            {
                Stack.OnMalformed(_shard.Now, fromLan ? _lan : _front, in ethernet, bytes, reason);
                return;
            }

            // A fragment may have crossed to here; now it is known where the whole is to go.
            if (_shard.Crossing is { } onwards && Crosses(onwards, fromLan, in ethernet, in layout, bytes, offload))
            {
                return;
            }
        }

        if (fromLan && Encapsulation.IsEncapsulated(in layout))
        {
            OnEncapsulated(in layout, bytes, offload);
        }
        else if (isService)
        {
            OnService(in layout, bytes, offload);
        }
        else if (fromLan && LanPorts.AreForMembers(in layout) && _shard.Farm.Members.AtLanAddress(layout.Source) == NodeId.None)
        {
            // Nobody else learns that somebody listens here.
            Drop(DropReason.NotMember);
        }
        else
        {
            Stack.OnPacket(_shard.Now, in layout, bytes, offload, fromLan ? _lan : _front);
        }
    }

    /// <summary>
    /// A client's packet to a service address that is elsewhere. A node that has just given the address away forwards what
    /// it knows, since the router may not have heard yet.
    /// </summary>
    private void OnNotHome(bool fromLan, in EthernetHeader ethernet, in IpPacket layout, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        if (fromLan || layout.IsFragment
            || ethernet.Destination != _shard.Options.Front.Link.Address
            || !_shard.Node.ForwardsLate(layout.Destination)
            || PacketFlow.TryRead(in layout, bytes, out var flow) != DropReason.None
            || _shard.Flows.Decide(in flow) is not { Kind: VerdictKind.Forward or VerdictKind.Local } verdict)
        {
            Drop(DropReason.NotHome);
        }
        else if (verdict.Kind == VerdictKind.Forward)
        {
            Counters.ForwardedAfterMove++;
            _shard.Lan.Forward(in layout, bytes, offload, in verdict.Reference, verdict.Owner);
        }
        else
        {
            OnLocal(in layout, bytes, offload, in flow, in verdict);
        }
    }

    /// <summary>A client's packet to a service address of which this node is the home.</summary>
    private void OnService(in IpPacket layout, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        if (PacketFlow.TryRead(in layout, bytes, out var flow) != DropReason.None)
        {
            // An echo request, or nothing that belongs to a flow.
            Stack.OnPacket(_shard.Now, in layout, bytes, offload, _front);
            return;
        }

        var verdict = _shard.Flows.Decide(in flow);
        _shard.Nic?.Compare(in verdict);
        _shard.Tracer?.Invoke(new PacketTrace(verdict.Kind, verdict.Owner, bytes[..layout.TotalLength], verdict.Reference.Span, encapsulated: false));
        switch (verdict.Kind)
        {
            case VerdictKind.Forward:
                Counters.Forwarded++;
                _shard.Lan.Forward(in layout, bytes, offload, in verdict.Reference, verdict.Owner);
                break;
            case VerdictKind.Local:
                OnLocal(in layout, bytes, offload, in flow, in verdict);
                break;
            default:
                OnUnknown(in layout, bytes, offload);
                break;
        }
    }

    /// <summary>Packet and reference go to the stack, as they would at any other owner (R13, R15).</summary>
    private void OnLocal(in IpPacket layout, ReadOnlySpan<byte> bytes, FrameOffload offload, in Flow flow, in Verdict verdict)
    {
        Counters.Local++;
        var endpoint = KnownEndpoint(in verdict);
        bool isKnown = endpoint is not null;
        endpoint ??= Stack.Find(ReferenceCodec.Id(verdict.Reference.Span));
        if (endpoint is null)
        {
            // The endpoint has ended, and its CLOSED is on its way here.
            Drop(DropReason.UnknownEndpoint);
            return;
        }

        if (!isKnown && endpoint.Reference.IsSame(in verdict.Reference))
        {
            verdict.Remember(endpoint);
            isKnown = true;
        }

        if ((isKnown || Stack.ReferenceMatches(endpoint, verdict.Reference.Span))
            && Stack.OnServicePacket(_shard.Now, endpoint, in layout, bytes, offload) == DropReason.TcpReopen)
        {
            _shard.Flows.Remove(in flow);
            OnUnknown(in layout, bytes, offload);
        }
    }

    /// <summary>The endpoint that the directory's reference was found to name, while it lives under that reference.</summary>
    private static Endpoint? KnownEndpoint(in Verdict verdict) =>
        verdict.Known is Endpoint { Phase: not EndpointPhase.Closed } endpoint && endpoint.Reference.IsSame(in verdict.Reference) ? endpoint : null;

    /// <summary>A SYN or first datagram to a service makes an endpoint (R1); the home notes where it lives.</summary>
    private void OnUnknown(in IpPacket layout, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        // While it recovers, an unknown flow may be one that its owner has not announced yet: silence, never RST.
        if (layout.HasPorts && !_shard.Node.Serves(layout.Destination))
        {
            Drop(DropReason.HomeRecovering);
            return;
        }

        Service? service = null;
        if (layout.HasPorts && _shard.Farm.Services.TryFind(layout.FlowAtDestination(), out var found))
        {
            service = found;
            if (_shard.Flows.Count >= _shard.Flows.Capacity)
            {
                Drop(DropReason.FlowTableFull);
                return;
            }
        }

        Stack.OnUnknown(_shard.Now, in layout, bytes, offload, service, _shard.NameEndpoint(), out var created);
        if (created is not null)
        {
            Counters.Created++;
            _shard.OnCreated(created);
        }
    }

    /// <summary>A forwarded packet: it has an effect only with the reference that this node issued (R18).</summary>
    private void OnEncapsulated(in IpPacket outer, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var member = _shard.Farm.Members.AtLanAddress(outer.Source);
        var reason = Encapsulation.TryDecapsulate(in outer, bytes, offload.Checksum, member, out var inner);
        if (reason != DropReason.None)
        {
            Drop(reason);
            return;
        }

        if (Stack.Find(inner.Reference.Id) is { } endpoint)
        {
            _shard.Tracer?.Invoke(new PacketTrace(VerdictKind.Local, _shard.Farm.Self.Id, inner.Packet, inner.Header, encapsulated: true));
            if (Stack.ReferenceMatches(endpoint, inner.Header))
            {
                Counters.Decapsulated++;
                OnForwarded(endpoint, in inner);
            }

            return;
        }

        var verdict = _shard.Tombstones.Decide(_shard.Now, inner.Reference.Id);
        if (verdict.Kind != TombstoneKind.Forward)
        {
            Drop(DropReason.UnknownEndpoint);
            return;
        }

        if (Encapsulation.NextHops(inner.Hops) == 0)
        {
            Drop(DropReason.HopsExhausted);
            return;
        }

        Counters.ForwardedByTombstone++;
        _shard.Lan.ForwardLate(inner.Layout, inner.Packet, in verdict.Successor, inner.Hops, verdict.Target);
    }

    private void OnForwarded(Endpoint endpoint, in Decapsulated inner)
    {
        // A SYN that may open a new connection in the place of one in TIME-WAIT (RFC 6191) ends the old one here; the
        // client's next SYN finds the home's entry gone.
        Stack.OnServicePacket(_shard.Now, endpoint, inner.Layout, inner.Packet);
    }

    private void Drop(DropReason reason) => _shard.Drops.Count(reason);

    private sealed class Port(PacketPath path, bool fromLan) : IFrameReceiver
    {
        // What comes by the lan stands behind a reference, or is the node's own.
        private readonly BurstAhead? _ahead = fromLan ? null : new(path._shard);

        public void Expect(ReadOnlySpan<byte> frame) => _ahead?.Expect(frame);

        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
        {
            if (fromLan)
            {
                path.Counters.LanFramesIn++;
            }
            else
            {
                path.Counters.FrontFramesIn++;
            }

            _ahead?.Fetch();
            path.OnFrame(fromLan, offload, frame, path._shard.Crossing);
        }
    }
}

using Baton.Director;
using Baton.Link;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Sends clients' packets to the nodes that own their endpoints, encapsulated, over the lan.</summary>
internal sealed class LanForwarding
{
    private readonly Shard _shard;
    private readonly ILink _link;
    private readonly Forwarder _forwarder;
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(Forwarder.ScratchLength);
    private readonly byte[] _linkHeader = new byte[EthernetHeader.Length];

    public LanForwarding(Shard shard, ILink link)
    {
        _shard = shard;
        _link = link;
        _forwarder = new Forwarder(link.Mtu, (uint)shard.Random.Next());
    }

    /// <summary>Frames sent.</summary>
    public long Frames { get; private set; }

    /// <summary>
    /// Sees to it that a member's link address stays known although nothing goes there. The first shard, which has the
    /// channels, always knows it, and tells it the others when a channel is up.
    /// </summary>
    public void Seek(NodeId member)
    {
        if (member != _shard.Farm.Self.Id && _shard.Farm.Members.TryFind(member, out var known))
        {
            _shard.Stack.TryWriteLinkHeader(_shard.Now, known.LanAddress, _linkHeader, out _);
        }
    }

    /// <summary>Forwards a packet that the directory says another node owns.</summary>
    public DropReason Forward(in IpPacket layout, ReadOnlySpan<byte> packet, FrameOffload offload, in EncodedReference reference, NodeId owner) =>
        Send(in layout, packet, offload, in reference, ReferenceCodec.InitialHops, owner);

    /// <summary>Forwards a late packet that a tombstone knows the new owner of, one hop less to go.</summary>
    public DropReason ForwardLate(in IpPacket layout, ReadOnlySpan<byte> packet, in EncodedReference successor, byte hops, NodeId owner) =>
        Send(in layout, packet, FrameOffload.None, in successor, Encapsulation.NextHops(hops), owner);

    /// <summary>Forwards a packet that was held while its endpoint moved.</summary>
    public DropReason ForwardHeld(ReadOnlySpan<byte> packet, FrameOffload offload, in EncodedReference reference, NodeId owner)
    {
        var reason = IpPacket.TryParse(packet, out var layout);
        return reason == DropReason.None
            ? Send(in layout, packet, offload, in reference, ReferenceCodec.InitialHops, owner)
            : Drop(reason);
    }

    private DropReason Send(
        in IpPacket layout, ReadOnlySpan<byte> packet, FrameOffload offload, in EncodedReference reference, byte hops, NodeId owner)
    {
        if (!_shard.Farm.Members.TryFind(owner, out var member))
        {
            return Drop(DropReason.NotMember);
        }

        bool known = _shard.Stack.TryWriteLinkHeader(_shard.Now, member.LanAddress, _linkHeader, out _);
        _ = EthernetHeader.TryParse(_linkHeader, out var ethernet);
        var outer = new OuterAddresses(ethernet.Source, ethernet.Destination, _shard.Farm.Self.LanAddress, member.LanAddress);
        ushort port = Encapsulation.SourcePort(layout.FlowAtDestination().Hash(_shard.Options.Keys.Flow));
        var reason = _forwarder.TryStart(in layout, packet, offload, in reference, hops, in outer, port, _scratch, out var frames);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        while (frames.TryNext(out var frame))
        {
            if (!known)
            {
                // The neighbour is asked for; meanwhile the stack keeps a few packets.
                reason = _shard.Stack.Send(_shard.Now, frame.Headers[EthernetHeader.Length..], frame.Payload, member.LanAddress);
            }
            else if (TrySend(in frame))
            {
                Frames++;
            }
            else
            {
                reason = Drop(DropReason.LinkFull);
            }
        }

        return reason;
    }

    /// <summary>What is sent leaves at the end of the shard's run, or when the device has no room for more.</summary>
    private bool TrySend(scoped in ForwardedFrame frame)
    {
        if (_link.TrySend(FrameOffload.None, frame.Headers, frame.Payload))
        {
            return true;
        }

        _link.Flush();
        return _link.TrySend(FrameOffload.None, frame.Headers, frame.Payload);
    }

    private DropReason Drop(DropReason reason)
    {
        _shard.Drops.Count(reason);
        return reason;
    }
}

using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The outputs in order, and what is known of the channels they go to.</summary>
internal sealed class Outbox(NodeId self)
{
    private readonly Queue<HandoffOutput> _outputs = new();
    private readonly Dictionary<NodeId, Peer> _peers = [];
    private readonly Dictionary<InetAddress, (NodeId Home, bool Serving)> _homes = [];

    public NodeId Self { get; } = self;

    public void Add(HandoffOutput output) => _outputs.Enqueue(output);

    public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HandoffOutput? output) => _outputs.TryDequeue(out output);

    /// <summary>Whether messages to the node arrive at all: over a channel, or because it is this node.</summary>
    public bool Reaches(NodeId node) => node == Self || (_peers.TryGetValue(node, out var peer) && peer.Up);

    public void SetHome(InetAddress address, NodeId home, bool serving) => _homes[address] = (home, serving);

    /// <summary>The home of a flow as far as it was told, else the one given.</summary>
    public NodeId HomeOf(in Flow flow, NodeId otherwise) =>
        _homes.TryGetValue(flow.Tuple.LocalAddress, out var known) && known.Home != NodeId.None ? known.Home : otherwise;

    /// <summary>Whether this node may be the flow's home: nobody has told otherwise.</summary>
    public bool MayBeHome(in Flow flow) => HomeOf(flow, Self) == Self;

    /// <summary>Whether this node, the flow's home, decides.</summary>
    public bool Decides(in Flow flow) => !_homes.TryGetValue(flow.Tuple.LocalAddress, out var known) || (known.Home == Self && known.Serving);

    /// <summary>Sends, unless the channel is down: what matters then is repeated or asked when it is re-made.</summary>
    public void Send(in MessageHeader header, NodeId peer, byte[] message, ReadOnlyMemory<byte> chunk = default)
    {
        if (peer != Self && Reaches(peer))
        {
            Add(new HandoffOutput.Send(header.Handoff, header.Flow, peer, message, chunk));
        }
    }

    /// <summary>Puts a question to the flow's home, which may be this node.</summary>
    public void Ask(NodeId home, in SwapQuestion question)
    {
        if (home == Self)
        {
            // A home that does not decide yet is asked again when it does.
            if (Decides(question.Flow))
            {
                Add(new HandoffOutput.AskSwap(Self, question));
            }
        }
        else
        {
            var header = new MessageHeader(MessageKind.Swap, question.Handoff, question.ExpectedEpoch, question.Flow);
            Send(header, home, Swap.Write(question));
        }
    }

    /// <summary>Notes a new channel.</summary>
    /// <returns>Whether the peer was started anew since the last one.</returns>
    public bool ChannelUp(NodeId peer, ulong incarnation)
    {
        bool restarted = _peers.TryGetValue(peer, out var known) && known.Incarnation != incarnation;
        _peers[peer] = new Peer(true, incarnation);
        return restarted;
    }

    public void ChannelDown(NodeId peer)
    {
        if (_peers.TryGetValue(peer, out var known))
        {
            _peers[peer] = known with { Up = false };
        }
    }

    private readonly record struct Peer(bool Up, ulong Incarnation);
}

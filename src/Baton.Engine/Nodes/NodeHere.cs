using Baton.Wire;

namespace Baton.Engine;

/// <summary>The node as its first shard sees it: there it is.</summary>
internal sealed class NodeHere(Shard shard) : INode
{
    /// <inheritdoc/>
    public ReadOnlySpan<MemberState> Candidates => shard.Exchange.Candidates;

    /// <inheritdoc/>
    public bool Answers(InetAddress address) => shard.Homes.Answers(address);

    /// <inheritdoc/>
    public bool Serves(InetAddress address) => shard.Homes.Serves(address);

    /// <inheritdoc/>
    public bool MaySpeak(InetAddress address) => shard.Homes.MaySpeak(address);

    /// <inheritdoc/>
    public bool ForwardsLate(InetAddress address) => shard.Homes.ForwardsLate(address);

    /// <inheritdoc/>
    public bool IsYielding(InetAddress address) => shard.Homes.IsYielding(address);

    /// <inheritdoc/>
    public NodeId HomeOf(InetAddress address) => shard.Homes.HomeOf(address);

    /// <inheritdoc/>
    public void OnSilentlyActive(InetAddress address) => shard.Homes.OnSilentlyActive(address);

    /// <inheritdoc/>
    public bool IsUp(NodeId peer) => shard.Channels.IsUp(peer);

    /// <inheritdoc/>
    public void Send(NodeId peer, ReadOnlySpan<byte> message, ReadOnlySpan<byte> more) =>
        shard.Channels.Send(peer, PeerMessageKind.Handoff, message, more);

    /// <inheritdoc/>
    public void Expect(NodeId peer, int bytes) => shard.Channels.Expect(peer, bytes);

    /// <inheritdoc/>
    public long MarkSent(NodeId peer) => shard.Channels.QueuedTo(peer);

    /// <inheritdoc/>
    public long MarkDelivered(NodeId peer) => shard.Channels.DeliveredTo(peer);

    /// <inheritdoc/>
    public void OnPlaced(NodeId node) => shard.Exchange.OnPlaced(node);
}

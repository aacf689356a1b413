using System.Buffers;
using Baton.Handoff;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What a node is for one service address, as its other shards know it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Home">Its home.</param>
/// <param name="Phase">What this node is for it.</param>
/// <param name="Answers">See <see cref="INode.Answers"/>.</param>
/// <param name="Serves">See <see cref="INode.Serves"/>.</param>
/// <param name="MaySpeak">See <see cref="INode.MaySpeak"/>.</param>
internal readonly record struct HomeFacts(InetAddress Address, NodeId Home, HomePhase Phase, bool Answers, bool Serves, bool MaySpeak)
{
    /// <summary>What is allowed by these facts and by others.</summary>
    public HomeFacts Within(in HomeFacts other) => this with
    {
        Answers = Answers && other.Answers,
        Serves = Serves && other.Serves,
        MaySpeak = MaySpeak && other.MaySpeak,
    };
}

/// <summary>
/// The node as a shard sees it that is not the first: a copy, which the first keeps in step by works (they come in the order
/// in which they were posted), and works for what is to be done there.
/// </summary>
internal sealed class NodeCopy(Shard shard) : INode
{
    private readonly Dictionary<InetAddress, HomeFacts> _homes = [];
    private readonly HashSet<NodeId> _up = [];
    private readonly Dictionary<NodeId, long> _delivered = [];
    private MemberState[] _candidates = [];
    private readonly Dictionary<NodeId, long> _lost = [];
    private long _mark;

    /// <inheritdoc/>
    public ReadOnlySpan<MemberState> Candidates => _candidates;

    /// <inheritdoc/>
    public bool Answers(InetAddress address) => _homes.TryGetValue(address, out var home) && home.Answers;

    /// <inheritdoc/>
    public bool Serves(InetAddress address) => _homes.TryGetValue(address, out var home) && home.Serves;

    /// <inheritdoc/>
    public bool MaySpeak(InetAddress address) => !_homes.TryGetValue(address, out var home) || home.MaySpeak;

    /// <inheritdoc/>
    public bool ForwardsLate(InetAddress address) =>
        _homes.TryGetValue(address, out var home) && home.Phase is HomePhase.Yielding or HomePhase.Former;

    /// <inheritdoc/>
    public bool IsYielding(InetAddress address) => _homes.TryGetValue(address, out var home) && home.Phase == HomePhase.Yielding;

    /// <inheritdoc/>
    public NodeId HomeOf(InetAddress address) => _homes.TryGetValue(address, out var home) ? home.Home : NodeId.None;

    /// <inheritdoc/>
    public void OnSilentlyActive(InetAddress address) => shard.RunOn(shard.First, first => first.Homes.OnSilentlyActive(address));

    /// <inheritdoc/>
    public bool IsUp(NodeId peer) => _up.Contains(peer);

    /// <inheritdoc/>
    public void Send(NodeId peer, ReadOnlySpan<byte> message, ReadOnlySpan<byte> more)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(message.Length + more.Length);
        message.CopyTo(copy);
        more.CopyTo(copy.AsSpan(message.Length));
        int length = message.Length + more.Length;
        shard.RunOn(shard.First, first => first.Homes.Lists.AfterLists(() =>
        {
            first.Channels.Send(peer, PeerMessageKind.Handoff, copy.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(copy);
        }));
    }

    /// <inheritdoc/>
    public void Expect(NodeId peer, int bytes) => shard.RunOn(shard.First, first => first.Channels.Expect(peer, bytes));

    /// <inheritdoc/>
    public long MarkSent(NodeId peer)
    {
        long mark = ++_mark;
        int index = shard.Index;
        shard.RunOn(shard.First, first => first.Homes.Lists.AfterLists(() => first.Channels.OnDelivered(
            peer, () => first.RunOn(first.Shards[index], here => ((NodeCopy)here.Node).OnDelivered(peer, mark)))));
        return mark;
    }

    /// <inheritdoc/>
    public long MarkDelivered(NodeId peer) => _delivered.GetValueOrDefault(peer);

    /// <inheritdoc/>
    public void OnPlaced(NodeId node)
    {
        foreach (ref var state in _candidates.AsSpan())
        {
            if (state.Node == node)
            {
                state = state with { LiveConnections = state.LiveConnections + 1 };
            }
        }
    }

    /// <summary>The first shard says what the node is for its addresses.</summary>
    public void OnHomes(HomeFacts[] homes)
    {
        foreach (ref readonly var home in homes.AsSpan())
        {
            _homes[home.Address] = home;
        }

        shard.Nic?.OnHomes();
    }

    /// <summary>The first shard says which members there are; the array is this shard's.</summary>
    public void OnCandidates(MemberState[] candidates)
    {
        _candidates = candidates;
        foreach (ref readonly var state in candidates.AsSpan())
        {
            shard.Lan.Seek(state.Node);
        }
    }

    /// <summary>The first shard says whether a channel is up.</summary>
    public void OnChannel(NodeId peer, bool isUp)
    {
        _ = isUp ? _up.Add(peer) : _up.Remove(peer);

        // What was sent until now went by the channel that broke, or by none.
        _lost[peer] = _mark;
    }

    private void OnDelivered(NodeId peer, long mark)
    {
        if (mark > _lost.GetValueOrDefault(peer))
        {
            _delivered[peer] = mark;
        }
    }
}

using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// What a shard asks of its node as a whole: who is home of what, whom the channels reach, how loaded the members are. The
/// first shard has all that (<see cref="NodeHere"/>); each other one has a copy of it, and sends what it wants done to the
/// first (<see cref="NodeCopy"/>).
/// </summary>
internal interface INode
{
    /// <summary>The states of the reachable members, what this shard has placed since included.</summary>
    ReadOnlySpan<MemberState> Candidates { get; }

    /// <summary>Whether this node answers for a service address.</summary>
    bool Answers(InetAddress address);

    /// <summary>Whether unknown flows of an address may begin here, and handoffs are decided here.</summary>
    bool Serves(InetAddress address);

    /// <summary>Whether this node's endpoints behind an address may emit.</summary>
    bool MaySpeak(InetAddress address);

    /// <summary>Whether packets of known flows are forwarded although the address is not this node's any more.</summary>
    bool ForwardsLate(InetAddress address);

    /// <summary>Whether the directory of an address has gone to the next home, which has not said so yet.</summary>
    bool IsYielding(InetAddress address);

    /// <summary>The home of an address; none while nobody has claimed it.</summary>
    NodeId HomeOf(InetAddress address);

    /// <summary>An endpoint behind the address has become active here, and is silent.</summary>
    void OnSilentlyActive(InetAddress address);

    /// <summary>Whether messages can be sent to a peer.</summary>
    bool IsUp(NodeId peer);

    /// <summary>Sends a message of the handoff protocol; without a channel it is dropped.</summary>
    void Send(NodeId peer, ReadOnlySpan<byte> message, ReadOnlySpan<byte> more);

    /// <summary>So many bytes are to be sent to a peer at once: they are given memory in one piece.</summary>
    void Expect(NodeId peer, int bytes);

    /// <summary>A mark behind everything that this shard has sent to a peer. They rise.</summary>
    long MarkSent(NodeId peer);

    /// <summary>Up to which mark the peer has acknowledged everything.</summary>
    long MarkDelivered(NodeId peer);

    /// <summary>Counts a connection just placed at a member.</summary>
    void OnPlaced(NodeId node);
}

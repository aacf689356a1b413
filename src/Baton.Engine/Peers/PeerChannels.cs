using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Baton.Handoff;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The channels to all other members, and the queries on them.</summary>
internal sealed class PeerChannels
{
    /// <summary>The TCP port on the lan.</summary>
    public const ushort Port = 6082;

    private static readonly TimeSpan s_queryTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_arrivalTimeout = TimeSpan.FromSeconds(5);

    private readonly Shard _shard;
    private readonly List<PeerChannel> _channels = [];
    private readonly Dictionary<NodeId, PeerChannel> _byNode = [];
    private readonly Dictionary<ulong, Query> _queries = [];
    private readonly List<ArrivingChannel> _arriving = [];
    private readonly List<(NodeId Peer, long Mark, Action OnDelivered)> _deliveries = [];
    private readonly TcpListener _listener;
    private ulong _queryNumber;

    public PeerChannels(Shard shard)
    {
        _shard = shard;
        _listener = shard.Stack.Listen(shard.Farm.Self.LanAddress, Port, backlog: 2 * shard.Farm.Members.Count);
        foreach (var member in shard.Farm.Members.Members)
        {
            if (member.Id != Self)
            {
                var channel = new PeerChannel(this, member.Id, member.LanAddress, connects: Self.CompareTo(member.Id) < 0);
                _channels.Add(channel);
                _byNode.Add(member.Id, channel);
            }
        }
    }

    public NodeId Self => _shard.Farm.Self.Id;

    public ulong Incarnation => _shard.Incarnation;

    public Instant Now => _shard.Now;

    public EngineLimits Limits => _shard.Options.Limits;

    public DropCounters Drops => _shard.Drops;

    /// <summary>The sessions with the peers; null in a farm that does not authenticate its members.</summary>
    public PeerSessions? Sessions => _shard.Sessions;

    /// <summary>Connections that have not shown yet whose they are.</summary>
    public int Arriving => _arriving.Count;

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant NextDeadline
    {
        get
        {
            var deadline = Instant.Never;
            foreach (var channel in _channels)
            {
                deadline = channel.WaitsToAttempt ? Instant.Min(deadline, channel.NextAttempt) : deadline;
            }

            foreach (var query in _queries.Values)
            {
                deadline = Instant.Min(deadline, query.Deadline);
            }

            foreach (var arriving in _arriving)
            {
                deadline = Instant.Min(deadline, arriving.Deadline);
            }

            return deadline;
        }
    }

    /// <summary>Whether messages can be sent to a node.</summary>
    public bool IsUp(NodeId node) => _byNode.TryGetValue(node, out var channel) && channel.IsUp;

    /// <summary>Bytes given to a node's channel since it was made.</summary>
    public long QueuedTo(NodeId node) => _byNode.TryGetValue(node, out var channel) ? channel.Queued : 0;

    /// <summary>Of these, bytes that the node has acknowledged.</summary>
    public long DeliveredTo(NodeId node) => _byNode.TryGetValue(node, out var channel) ? channel.Delivered : 0;

    /// <summary>
    /// Calls <paramref name="onDelivered"/> once the peer has acknowledged everything that was given to its channel until
    /// now; never when the channel breaks before.
    /// </summary>
    public void OnDelivered(NodeId node, Action onDelivered) => _deliveries.Add((node, QueuedTo(node), onDelivered));

    /// <summary>Tells who waits for deliveries.</summary>
    public void TellDeliveries()
    {
        for (int i = 0; i < _deliveries.Count; i++)
        {
            var (peer, mark, onDelivered) = _deliveries[i];
            if (DeliveredTo(peer) >= mark)
            {
                _deliveries.RemoveAt(i--);
                onDelivered();
            }
        }
    }

    /// <summary>Sends a message; without a channel it is dropped.</summary>
    public void Send(NodeId node, PeerMessageKind kind, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.Send(kind, payload, more);
        }
    }

    /// <summary>So many bytes are to be sent to a node at once.</summary>
    public void Expect(NodeId node, int bytes)
    {
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.Expect(bytes);
        }
    }

    /// <summary>Asks a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="request">The request.</param>
    /// <param name="onAnswer">Called once: with the answer, or with what went wrong.</param>
    public void Ask(NodeId node, ReadOnlySpan<byte> request, Action<byte[]?, string?> onAnswer)
    {
        if (!_byNode.TryGetValue(node, out var channel) || !channel.IsUp)
        {
            onAnswer(null, $"node {_shard.Farm.NameOf(node)} cannot be reached");
            return;
        }

        ulong number = ++_queryNumber;
        Span<byte> header = stackalloc byte[PeerFraming.NumberLength];
        BinaryPrimitives.WriteUInt64BigEndian(header, number);
        _queries.Add(number, new Query(node, Now + s_queryTimeout, onAnswer));
        channel.Send(PeerMessageKind.Query, header, request);
    }

    /// <summary>Answers a query that came in.</summary>
    public void Answer(NodeId node, ulong number, bool answered, ReadOnlySpan<byte> answer)
    {
        Span<byte> header = stackalloc byte[PeerFraming.NumberLength + 1];
        BinaryPrimitives.WriteUInt64BigEndian(header, number);
        header[^1] = answered ? (byte)1 : (byte)0;
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.Send(PeerMessageKind.Answer, header, answer);
        }
    }

    /// <summary>A node has been heard of: an attempt that began before, or what is to be sent again, does not go on waiting.</summary>
    public void OnReachable(NodeId node)
    {
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.OnReachable();
        }
    }

    /// <summary>A node was started anew: what is left of the channel to its last life would keep the next one waiting.</summary>
    public void OnRestarted(NodeId node, ulong incarnation)
    {
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.OnRestarted(incarnation);
        }
    }

    /// <summary>Breaks the channel to a node, with all that waits in it.</summary>
    public void Break(NodeId node)
    {
        if (_byNode.TryGetValue(node, out var channel))
        {
            channel.Break(abort: true);
        }
    }

    /// <summary>A session with a node is there.</summary>
    public void OnSession(NodeId node, ulong peerIncarnation) => _byNode[node].OnSession(peerIncarnation);

    /// <summary>Makes connections that are due and gives up queries and arrivals that are over.</summary>
    public void OnDeadline(Instant now)
    {
        for (int i = _arriving.Count - 1; i >= 0; i--)
        {
            if (_arriving[i].Deadline <= now)
            {
                Remove(_arriving[i], DropReason.MessageUnauthentic);
            }
        }

        foreach (var channel in _channels)
        {
            channel.OnDeadline(now);
        }

        FailQueries(query => query.Deadline <= now, "did not answer in time");
    }

    /// <summary>Takes the connections that peers have made.</summary>
    public void AcceptAll()
    {
        while (_listener.TryAccept(out var endpoint))
        {
            var peer = _shard.Farm.Members.AtLanAddress(endpoint.Flow.Tuple.RemoteAddress);
            if (!_byNode.TryGetValue(peer, out var channel) || channel.Connects)
            {
                Drops.Count(DropReason.NotMember);
                endpoint.Abort(Now);
            }
            else if (Sessions is null)
            {
                channel.Accept(endpoint);
            }
            else
            {
                Arrive(channel, endpoint);
            }
        }
    }

    /// <summary>Something happened at a connection that has not shown yet whose it is.</summary>
    public void OnArriving(ArrivingChannel arriving, EndpointEvents events)
    {
        if (!_arriving.Contains(arriving))
        {
            return;
        }

        var reason = arriving.OnEvents(Now, events, out bool isChannel);
        if (isChannel)
        {
            _arriving.Remove(arriving);
        }
        else if (reason != DropReason.None)
        {
            Remove(arriving, reason);
        }
    }

    /// <summary>Begins a connection to a channel's peer.</summary>
    public bool TryConnect(PeerChannel channel, [NotNullWhen(true)] out TcpEndpoint? endpoint)
    {
        endpoint = _shard.Stack.Connect(Now, new FourTuple(_shard.Farm.Self.LanAddress, 0, channel.Address, Port));
        return endpoint is not null;
    }

    public void OnUp(PeerChannel channel, ulong incarnation)
    {
        _shard.Homes.OnChannelUp(channel.Peer, incarnation);
        _shard.Handoffs.OnChannelUp(channel.Peer, incarnation);
        var mac = _shard.Stack.LinkAddressOf(channel.Address);
        _shard.OnOthers(other =>
        {
            if (mac is { } known)
            {
                other.Stack.LearnLinkAddress(other.Now, channel.Address, known);
            }

            ((NodeCopy)other.Node).OnChannel(channel.Peer, isUp: true);
            other.Handoffs.OnChannelUp(channel.Peer, incarnation);
        });
    }

    public void OnDown(PeerChannel channel)
    {
        _shard.Homes.OnChannelDown(channel.Peer);
        _shard.Handoffs.OnChannelDown(channel.Peer);
        _deliveries.RemoveAll(delivery => delivery.Peer == channel.Peer);
        _shard.OnOthers(other =>
        {
            ((NodeCopy)other.Node).OnChannel(channel.Peer, isUp: false);
            other.Handoffs.OnChannelDown(channel.Peer);
        });
        FailQueries(query => query.Node == channel.Peer, "cannot be reached any more");
    }

    /// <summary>Handles a message; false when it is malformed.</summary>
    public bool TryHandle(PeerChannel channel, PeerMessageKind kind, ReadOnlyMemory<byte> payload)
    {
        switch (kind)
        {
            case PeerMessageKind.Handoff:
                OnHandoff(channel.Peer, payload);
                return true;

            case PeerMessageKind.Home:
                _shard.Homes.OnMessage(channel.Peer, payload.Span);
                return true;

            case PeerMessageKind.Query when payload.Length >= PeerFraming.NumberLength:
                ulong number = BinaryPrimitives.ReadUInt64BigEndian(payload.Span);
                _shard.OnQuery(channel.Peer, number, payload[PeerFraming.NumberLength..].ToArray());
                return true;

            case PeerMessageKind.Answer when payload.Length > PeerFraming.NumberLength:
                if (_queries.Remove(BinaryPrimitives.ReadUInt64BigEndian(payload.Span), out var query))
                {
                    bool answered = payload.Span[PeerFraming.NumberLength] == 1;
                    query.OnAnswer(
                        answered ? payload[(PeerFraming.NumberLength + 1)..].ToArray() : null,
                        answered ? null : $"node {_shard.Farm.NameOf(channel.Peer)} does not answer queries");
                }

                return true;

            default:
                return false;
        }
    }

    /// <summary>A message is for the shard of its flow.</summary>
    private void OnHandoff(NodeId from, ReadOnlyMemory<byte> message)
    {
        int index = _shard.Shards.Count > 1 && HandoffAgent.TryReadFlow(message.Span, out var flow) ? _shard.Steering.OfFlow(in flow) : Steering.First;
        if (index == Steering.First)
        {
            _shard.Handoffs.OnMessage(from, message.Span);
        }
        else
        {
            PassOn(_shard.Shards[index], from, message);
        }
    }

    private void PassOn(Shard shard, NodeId from, ReadOnlyMemory<byte> message)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(copy);
        int length = message.Length;
        _shard.RunOn(shard, other =>
        {
            other.Handoffs.OnMessage(from, copy.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(copy);
        });
    }

    // One at a time for each peer: the newer one is the likelier.
    private void Arrive(PeerChannel channel, TcpEndpoint endpoint)
    {
        if (_arriving.Find(other => other.Channel == channel) is { } older)
        {
            Remove(older, DropReason.MessageUnauthentic);
        }

        var arriving = new ArrivingChannel(channel, Sessions!, endpoint, Now + s_arrivalTimeout);
        endpoint.Tag = arriving;
        _arriving.Add(arriving);
        OnArriving(arriving, EndpointEvents.Readable);
    }

    private void Remove(ArrivingChannel arriving, DropReason reason)
    {
        Drops.Count(reason);
        _arriving.Remove(arriving);
        arriving.GiveUp(Now);
    }

    private void FailQueries(Func<Query, bool> which, string why)
    {
        if (_queries.Count == 0)
        {
            return;
        }

        foreach (var (number, query) in _queries.Where(q => which(q.Value)).ToArray())
        {
            _queries.Remove(number);
            query.OnAnswer(null, $"node {_shard.Farm.NameOf(query.Node)} {why}");
        }
    }

    private sealed record Query(NodeId Node, Instant Deadline, Action<byte[]?, string?> OnAnswer);
}

using System.Buffers.Binary;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The channel between this node and one other: a TCP connection of the own stack on the lan, made by the node with the
/// lower number and made again when it breaks. What was sent on an earlier connection does not arrive on a later one.
/// </summary>
internal sealed class PeerChannel
{
    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(2);

    // More than a round trip on the lan: an answer that is on its way would be reset.
    private static readonly TimeSpan s_lastChance = TimeSpan.FromMilliseconds(50);

    private readonly PeerChannels _channels;
    private readonly OutgoingMessages _outgoing = new();
    private byte[] _incoming = new byte[4096];
    private int _received;
    private TimeSpan _backoff = s_firstBackoff;
    private Instant _attempted;
    private bool _givesUp;
    private TcpEndpoint? _endpoint;

    public PeerChannel(PeerChannels channels, NodeId peer, InetAddress address, bool connects)
    {
        _channels = channels;
        Peer = peer;
        Address = address;
        Connects = connects;
    }

    public NodeId Peer { get; }

    public InetAddress Address { get; }

    /// <summary>Whether this node makes the connection.</summary>
    public bool Connects { get; }

    /// <summary>Whether both have said hello: messages can be sent.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Bytes given to the channel since it was made.</summary>
    public long Queued { get; private set; }

    /// <summary>Of these, bytes that the peer has acknowledged.</summary>
    public long Delivered => _endpoint is { Connection: { } connection }
        ? Queued - _outgoing.Bytes - ShardReports.SendQueue(connection)
        : 0;

    /// <summary>Whether an attempt to connect is due at <see cref="NextAttempt"/>.</summary>
    public bool WaitsToConnect => Connects && (_endpoint is null || _givesUp);

    /// <summary>When to try to connect.</summary>
    public Instant NextAttempt { get; private set; }

    /// <summary>Sends a message; without a connection it is dropped.</summary>
    public bool Send(PeerMessageKind kind, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default)
    {
        if (_endpoint is null || (!IsUp && kind != PeerMessageKind.Hello))
        {
            return false;
        }

        if (_outgoing.Bytes + first.Length + second.Length > _channels.Limits.ChannelBytes)
        {
            // The peer does not read. What is lost here is repeated once the channel is made again.
            Break(abort: true);
            return false;
        }

        Span<byte> header = stackalloc byte[PeerFraming.HeaderLength];
        PeerFraming.WriteHeader(header, kind, first.Length + second.Length);
        Queued += header.Length + first.Length + second.Length;
        _outgoing.Send(_endpoint, _channels.Now, header, first, second);
        return true;
    }

    /// <summary>Tries to connect, when it is time.</summary>
    public void OnDeadline(Instant now)
    {
        if (_givesUp && now >= NextAttempt)
        {
            _givesUp = false;
            if (_endpoint is { IsEstablished: false })
            {
                Break(abort: true);
                NextAttempt = now;
            }
        }

        if (Connects && _endpoint is null && now >= NextAttempt)
        {
            _attempted = now;
            NextAttempt = now + _backoff;
            _backoff = _backoff * 2 > s_longestBackoff ? s_longestBackoff : _backoff * 2;
            if (_channels.TryConnect(this, out var endpoint))
            {
                Adopt(endpoint);
            }
        }
    }

    /// <summary>The peer is heard: an attempt that began before, and may be lost, is given up soon.</summary>
    public void ConnectNow()
    {
        if (Connects && _endpoint is not { IsEstablished: true } && _channels.Now - _attempted >= s_firstBackoff)
        {
            _backoff = s_firstBackoff;
            _givesUp = _endpoint is not null;
            NextAttempt = _givesUp ? _channels.Now + s_lastChance : _channels.Now;
        }
    }

    /// <summary>Takes a connection that the peer made, in place of an earlier one.</summary>
    public void Accept(TcpEndpoint endpoint)
    {
        Break(abort: true);
        Adopt(endpoint);
        SayHello();
        OnEvents(endpoint, EndpointEvents.Readable);
    }

    /// <summary>Something happened at a connection of this channel.</summary>
    public void OnEvents(TcpEndpoint endpoint, EndpointEvents events)
    {
        if (!ReferenceEquals(endpoint, _endpoint))
        {
            return;
        }

        if ((events & EndpointEvents.Established) != 0 && Connects)
        {
            SayHello();
        }

        if ((events & (EndpointEvents.Readable | EndpointEvents.RemoteClosed)) != 0)
        {
            Receive();
        }

        if ((events & EndpointEvents.Writable) != 0)
        {
            _outgoing.Flush(endpoint, _channels.Now);
        }

        if ((events & EndpointEvents.Closed) != 0 && ReferenceEquals(endpoint, _endpoint))
        {
            Break(abort: false);
        }
    }

    /// <summary>Ends the connection, if there is one.</summary>
    public void Break(bool abort)
    {
        if (_endpoint is not { } endpoint)
        {
            return;
        }

        _endpoint = null;
        _givesUp = false;
        _outgoing.Clear();
        Queued = 0;
        _received = 0;
        NextAttempt = _channels.Now + _backoff;
        if (abort)
        {
            endpoint.Abort(_channels.Now);
        }

        if (IsUp)
        {
            IsUp = false;
            _channels.OnDown(this);
        }
    }

    private void Adopt(TcpEndpoint endpoint)
    {
        _endpoint = endpoint;
        endpoint.Tag = this;
        endpoint.SetNoDelay(true);
    }

    private void SayHello()
    {
        Span<byte> hello = stackalloc byte[PeerFraming.HelloLength];
        hello[0] = PeerFraming.Version;
        BinaryPrimitives.WriteUInt16BigEndian(hello[1..], _channels.Self.Value);
        BinaryPrimitives.WriteUInt64BigEndian(hello[3..], _channels.Incarnation);
        Send(PeerMessageKind.Hello, hello);
    }

    private void Receive()
    {
        while (_endpoint is { } endpoint)
        {
            int read = endpoint.Read(_channels.Now, _incoming.AsSpan(_received));
            _received += read;
            if (!TryTakeMessages())
            {
                _channels.Drops.Count(DropReason.MessageMalformed);
                Break(abort: true);
                return;
            }

            if (read == 0)
            {
                if (endpoint.Connection!.ReadCompleted)
                {
                    Break(abort: true);
                }

                return;
            }
        }
    }

    /// <summary>Takes what is whole and makes room for what is not; false when it cannot be.</summary>
    private bool TryTakeMessages()
    {
        int at = 0;
        while (_received - at >= PeerFraming.HeaderLength)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(_incoming.AsSpan(at)) - 1;
            var kind = (PeerMessageKind)_incoming[at + 4];
            if (length < 0 || length > PeerFraming.MaxPayload(kind, _channels.Limits) || (!IsUp && kind != PeerMessageKind.Hello))
            {
                return false;
            }

            int whole = PeerFraming.HeaderLength + length;
            if (_received - at < whole)
            {
                Reserve(whole);
                break;
            }

            var current = _endpoint;
            byte[] buffer = _incoming;
            if (!TryTake(kind, buffer.AsMemory(at + PeerFraming.HeaderLength, length)))
            {
                return false;
            }

            if (!ReferenceEquals(current, _endpoint))
            {
                // Handling the message broke the channel.
                return true;
            }

            at += whole;
        }

        _incoming.AsSpan(at, _received - at).CopyTo(_incoming);
        _received -= at;
        return true;
    }

    private bool TryTake(PeerMessageKind kind, ReadOnlyMemory<byte> payload)
    {
        if (kind != PeerMessageKind.Hello)
        {
            return _channels.TryHandle(this, kind, payload);
        }

        var hello = payload.Span;
        if (IsUp
            || hello.Length != PeerFraming.HelloLength
            || hello[0] != PeerFraming.Version
            || BinaryPrimitives.ReadUInt16BigEndian(hello[1..]) != Peer.Value)
        {
            return false;
        }

        IsUp = true;
        _backoff = s_firstBackoff;
        _channels.OnUp(this, BinaryPrimitives.ReadUInt64BigEndian(hello[3..]));
        return true;
    }

    private void Reserve(int whole)
    {
        if (_incoming.Length < whole)
        {
            Array.Resize(ref _incoming, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)whole));
        }
    }
}

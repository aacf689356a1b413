using System.Buffers.Binary;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// The channel between this node and one other: a TCP connection of the own stack on the lan, made by the node with the
/// lower number and made again when it breaks. What was sent on an earlier connection does not arrive on a later one. In a
/// farm that authenticates its members each connection is sealed under a session of its own (<see cref="PeerSessions"/>).
/// </summary>
internal sealed class PeerChannel : IDisposable
{
    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(2);

    // More than a round trip on the lan: an answer that is on its way would be reset.
    private static readonly TimeSpan s_tooLongToWait = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan s_lastChance = TimeSpan.FromMilliseconds(50);

    // Of what is sent at once, headers and seals are less than one part of so many.
    private const int FramingShare = 128;

    private readonly PeerChannels _channels;
    private readonly OutgoingMessages _outgoing = new();
    private byte[] _incoming = new byte[4096];
    private int _received;
    private TimeSpan _backoff = s_firstBackoff;
    private Instant _attempted;
    private ulong _peerIncarnation;
    private bool _givesUp;
    private TcpEndpoint? _endpoint;
    private PeerSession? _session;
    private SealedOutput? _output;
    private SealedInput? _input;

    public PeerChannel(PeerChannels channels, NodeId peer, InetAddress address, bool connects)
    {
        _channels = channels;
        Peer = peer;
        Address = address;
        Connects = connects;

        // Who makes the connection comes first: mostly there is nothing left to ask for then.
        NextAttempt = connects ? channels.Now : channels.Now + s_firstBackoff;
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

    /// <summary>Whether an attempt is due at <see cref="NextAttempt"/>: to connect, or to agree on keys.</summary>
    public bool WaitsToAttempt => Attempts && (_endpoint is null || _givesUp);

    /// <summary>When to try.</summary>
    public Instant NextAttempt { get; private set; }

    // Who does not make the connection asks for keys all the same where it has none: its peer may not know that it was
    // started anew, and believes nothing that is not sealed.
    private bool Attempts => Connects || _channels.Sessions?.HasAny(Peer) == false;

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
        if (_output is not null)
        {
            Queued += _output.Send(_outgoing, _endpoint, _channels.Now, header, first, second);
            return true;
        }

        Queued += header.Length + first.Length + second.Length;
        _outgoing.Send(_endpoint, _channels.Now, header, first, second);
        return true;
    }

    /// <summary>So many bytes are to be sent at once: memory for them and what frames or seals them is there before the first.</summary>
    public void Expect(int bytes) => _endpoint?.ReserveToSend(bytes + (bytes / FramingShare) + PeerFraming.MaxHelloLength);

    /// <summary>Tries to agree on keys or to connect, when it is time.</summary>
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

        if (Attempts && _endpoint is null && now >= NextAttempt)
        {
            _attempted = now;
            NextAttempt = now + _backoff;
            _backoff = _backoff * 2 > s_longestBackoff ? s_longestBackoff : _backoff * 2;
            if (_channels.Sessions is { } sessions && !sessions.HasFresh(Peer))
            {
                sessions.Begin(Peer);
            }
            else
            {
                Connect();
            }
        }
    }

    /// <summary>A session with the peer is there; its start is <paramref name="peerIncarnation"/>.</summary>
    public void OnSession(ulong peerIncarnation)
    {
        if (_session is { } session && session.PeerIncarnation < peerIncarnation)
        {
            Break(abort: true);
        }

        if (_endpoint is null)
        {
            Connect();
        }
    }

    /// <summary>
    /// The peer is heard again: what waits for an acknowledgment, and would be sent again only seconds from now, goes with its
    /// connection; on the next one it is repeated.
    /// </summary>
    public void OnReachable()
    {
        if (IsUp && Queued > Delivered && _endpoint is { Connection.Statistics.Rto: var rto } && rto >= s_tooLongToWait)
        {
            Break(abort: true);
            NextAttempt = _channels.Now;
        }

        ConnectNow();
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

    /// <summary>
    /// The peer was started anew. A connection to its last life hears of that only when it sends again, which may be seconds
    /// from now; one that said hello since is with the new one.
    /// </summary>
    public void OnRestarted(ulong incarnation)
    {
        if (IsUp && _peerIncarnation < incarnation)
        {
            Break(abort: true);
        }

        ConnectNow();
    }

    /// <summary>Takes a connection that the peer made, in place of an earlier one.</summary>
    public void Accept(TcpEndpoint endpoint)
    {
        Break(abort: true);
        Adopt(endpoint);
        SayHello();
        OnEvents(endpoint, EndpointEvents.Readable);
    }

    /// <summary>Takes a connection whose first record was opened by <paramref name="input"/>, in place of an earlier one.</summary>
    public void Accept(TcpEndpoint endpoint, PeerSession session, SealedInput input)
    {
        Break(abort: true);
        Adopt(endpoint);
        Use(session);
        _input = input;
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
            OnConnected(endpoint);
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
        _output?.Dispose();
        _input?.Dispose();
        _session = null;
        _output = null;
        _input = null;
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

    /// <inheritdoc/>
    public void Dispose() => Break(abort: true);

    private void Adopt(TcpEndpoint endpoint)
    {
        _endpoint = endpoint;
        endpoint.Tag = this;
        endpoint.SetNoDelay(true);
    }

    private void Connect()
    {
        if (Connects && _channels.TryConnect(this, out var endpoint))
        {
            Adopt(endpoint);
        }
    }

    private void OnConnected(TcpEndpoint endpoint)
    {
        if (_channels.Sessions is { } sessions)
        {
            if (!sessions.HasFresh(Peer))
            {
                // What is sealed under a used session would be numbered from the beginning again.
                Break(abort: true);
                return;
            }

            var session = sessions.Newest(Peer)!;
            Use(session);
            _input = new SealedInput(session.ChannelReceiver());
            Span<byte> preface = stackalloc byte[ArrivingChannel.PrefaceLength];
            ArrivingChannel.WritePreface(preface, session.Id);
            _outgoing.Send(endpoint, _channels.Now, preface, default, default);
            Queued += preface.Length;
        }

        SayHello();
    }

    // Never twice: what is sealed under a session is numbered from the beginning.
    private void Use(PeerSession session)
    {
        session.IsUsed = true;
        _session = session;
        _output = new SealedOutput(session.ChannelSender());
    }

    private void SayHello()
    {
        Span<byte> hello = stackalloc byte[PeerFraming.HelloLength];
        PeerFraming.WriteHello(hello, _channels.Self, _channels.Incarnation);
        Send(PeerMessageKind.Hello, hello);
    }

    private void Receive()
    {
        while (_endpoint is { } endpoint)
        {
            if (_input?.TryFill(endpoint, _channels.Now) == false)
            {
                Refuse(DropReason.MessageUnauthentic);
                return;
            }

            var destination = _incoming.AsSpan(_received);
            int read = _input?.Take(destination) ?? endpoint.Read(_channels.Now, destination);
            _received += read;
            var reason = TakeMessages();
            if (reason != DropReason.None)
            {
                Refuse(reason);
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

    private void Refuse(DropReason reason)
    {
        _channels.Drops.Count(reason);
        Break(abort: true);
    }

    /// <summary>Takes what is whole and makes room for what is not; says what is wrong when it cannot be.</summary>
    private DropReason TakeMessages()
    {
        int at = 0;
        while (_received - at >= PeerFraming.HeaderLength)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(_incoming.AsSpan(at)) - 1;
            var kind = (PeerMessageKind)_incoming[at + 4];
            if (length < 0 || length > PeerFraming.MaxPayload(kind, _channels.Limits) || (!IsUp && kind != PeerMessageKind.Hello))
            {
                return DropReason.MessageMalformed;
            }

            int whole = PeerFraming.HeaderLength + length;
            if (_received - at < whole)
            {
                Reserve(whole);
                break;
            }

            var current = _endpoint;
            byte[] buffer = _incoming;
            var reason = Take(kind, buffer.AsMemory(at + PeerFraming.HeaderLength, length));
            if (reason != DropReason.None || !ReferenceEquals(current, _endpoint))
            {
                // Handling the message may have broken the channel.
                return reason;
            }

            at += whole;
        }

        _incoming.AsSpan(at, _received - at).CopyTo(_incoming);
        _received -= at;
        return DropReason.None;
    }

    private DropReason Take(PeerMessageKind kind, ReadOnlyMemory<byte> payload)
    {
        if (kind != PeerMessageKind.Hello)
        {
            return _channels.TryHandle(this, kind, payload) ? DropReason.None : DropReason.MessageMalformed;
        }

        var reason = PeerFraming.ReadHello(payload.Span, out var node, out ulong incarnation);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if (IsUp || node != Peer || (_session is { } session && session.PeerIncarnation != incarnation))
        {
            return DropReason.MessageMalformed;
        }

        IsUp = true;
        _peerIncarnation = incarnation;
        _backoff = s_firstBackoff;
        _channels.OnUp(this, incarnation);
        return DropReason.None;
    }

    private void Reserve(int whole)
    {
        if (_incoming.Length < whole)
        {
            Array.Resize(ref _incoming, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)whole));
        }
    }
}

using Baton.Wire;

namespace Baton.Stack;

/// <summary>What became of a datagram that was to be sent.</summary>
public enum UdpSendResult : byte
{
    /// <summary>Queued for sending.</summary>
    Sent,

    /// <summary>Longer than a UDP datagram can be.</summary>
    TooLong,

    /// <summary>The queue towards the link or the neighbour is full: lost, as on any link.</summary>
    QueueFull,

    /// <summary>No route, or no neighbour answers.</summary>
    Unreachable,

    /// <summary>The endpoint is not active here, or has no remote address.</summary>
    NotActive,
}

/// <summary>
/// The endpoint of a UDP exchange: of one client with a service (created by its first datagram, ended by silence), or bound
/// to one of the node's own addresses, connected or not.
/// </summary>
public sealed class UdpEndpoint : Endpoint
{
    /// <summary>Most payload bytes of a datagram that goes over either family.</summary>
    public const int MaxPayload = ushort.MaxValue - Ipv4Header.Length - UdpHeader.Length;

    private readonly UdpDriver _driver;
    private readonly Queue<Datagram> _received = new();
    private (IcmpErrorKind Kind, InetAddress Address, ushort Port) _pendingError;

    internal UdpEndpoint(
        UdpDriver driver, Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now)
        : base(id, epoch, service, phase, now)
    {
        Flow = flow;
        _driver = driver;
        LastActivity = now;
    }

    /// <inheritdoc/>
    public override Flow Flow { get; }

    /// <inheritdoc/>
    public override long PacketsIn => In.Packets;

    /// <inheritdoc/>
    public override long PacketsOut => Out.Packets;

    /// <inheritdoc/>
    public override long BytesIn => In.Bytes;

    /// <inheritdoc/>
    public override long BytesOut => Out.Bytes;

    internal (long Packets, long Bytes) In { get; set; }

    internal (long Packets, long Bytes) Out { get; set; }

    /// <summary>Whether it has one remote address and port.</summary>
    public bool IsConnected => Flow.Tuple.RemotePort != 0;

    /// <summary>Datagrams that wait to be read.</summary>
    public int WaitingDatagrams => _received.Count;

    /// <summary>Payload bytes that wait to be read.</summary>
    public int WaitingBytes { get; private set; }

    /// <summary>Datagrams lost to a full queue.</summary>
    public long Overflows { get; internal set; }

    /// <summary>Longest packet known to reach the remote address in one piece; longer ones are sent in fragments.</summary>
    public int PathMtu { get; internal set; } = ushort.MaxValue;

    /// <summary>The last datagram in either direction.</summary>
    public Instant LastActivity { get; internal set; }

    /// <summary>The last error that the network or the remote host reported, or none.</summary>
    public IcmpErrorKind LastError { get; internal set; }

    /// <summary>
    /// Takes the error that was reported since this was last asked: what it says, and the remote end whose datagram it is
    /// about. Of several the last one counts.
    /// </summary>
    public bool TryTakeError(out IcmpErrorKind kind, out InetAddress remoteAddress, out ushort remotePort)
    {
        (kind, remoteAddress, remotePort) = _pendingError;
        _pendingError = default;
        return kind != IcmpErrorKind.None;
    }

    internal IEnumerable<Datagram> Received => _received;

    /// <summary>
    /// Takes the oldest datagram. A destination that is too short takes its beginning; the rest is lost, as with sockets.
    /// </summary>
    public bool TryReceive(Span<byte> destination, out int length, out InetAddress remoteAddress, out ushort remotePort)
    {
        length = 0;
        remoteAddress = default;
        remotePort = 0;
        if (Phase is EndpointPhase.Frozen or EndpointPhase.Embryo || !_received.TryDequeue(out var datagram))
        {
            return false;
        }

        length = Math.Min(datagram.Length, destination.Length);
        datagram.Payload[..length].CopyTo(destination);
        remoteAddress = datagram.Address;
        remotePort = datagram.Port;
        WaitingBytes -= datagram.Length;
        _driver.CountLoad(this);
        datagram.Buffer.Dispose();
        return true;
    }

    /// <summary>
    /// Takes the oldest datagram and those behind it that are of its sender and length, as many as fit and the last perhaps
    /// shorter, one after the other (as UDP_GRO): what came as a batch is read as one. One that is longer than the
    /// destination is cut off and comes alone, as an empty one does.
    /// </summary>
    /// <param name="destination">Where they go.</param>
    /// <param name="length">Bytes taken.</param>
    /// <param name="segmentSize">Bytes of each but the last.</param>
    /// <param name="remoteAddress">Their sender.</param>
    /// <param name="remotePort">Its port.</param>
    public bool TryReceiveBatch(
        Span<byte> destination, out int length, out int segmentSize, out InetAddress remoteAddress, out ushort remotePort)
    {
        bool any = TryReceive(destination, out length, out remoteAddress, out remotePort);
        segmentSize = length;
        int last = length;
        while (any && last == segmentSize && _received.TryPeek(out var next)
            && next.Length > 0 && next.Length <= Math.Min(segmentSize, destination.Length - length)
            && next.Address == remoteAddress && next.Port == remotePort)
        {
            TryReceive(destination[length..], out last, out _, out _);
            length += last;
        }

        return any;
    }

    private protected override int Unread => WaitingBytes;

    /// <summary>Payload bytes of the oldest datagram, or -1 when none waits.</summary>
    public int NextLength => _received.TryPeek(out var datagram) ? datagram.Length : -1;

    /// <summary>Sends a datagram to the remote address.</summary>
    public UdpSendResult Send(Instant now, ReadOnlySpan<byte> payload) =>
        SendTo(now, payload, Flow.Tuple.RemoteAddress, Flow.Tuple.RemotePort);

    /// <summary>Sends a datagram from an unconnected endpoint, or to a connected one's remote address.</summary>
    public UdpSendResult SendTo(Instant now, ReadOnlySpan<byte> payload, InetAddress remoteAddress, ushort remotePort) =>
        Phase != EndpointPhase.Active || remotePort == 0 ? UdpSendResult.NotActive
        : payload.Length > MaxPayload ? UdpSendResult.TooLong
        : _driver.Send(now, this, payload, remoteAddress, remotePort);

    /// <summary>Sends datagrams of equal length to the remote address.</summary>
    public UdpSendResult SendBatch(Instant now, ReadOnlySpan<byte> payload, int segmentSize) =>
        SendBatchTo(now, payload, segmentSize, Flow.Tuple.RemoteAddress, Flow.Tuple.RemotePort);

    /// <summary>
    /// Sends datagrams of equal length, one after the other in <paramref name="payload"/> (as UDP_SEGMENT): to the network each is
    /// as if sent by itself, but they cross stack and link as one frame where the link cuts it (<see cref="InterfaceOptions.Uso"/>).
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="payload">At most <see cref="MaxPayload"/> bytes.</param>
    /// <param name="segmentSize">Bytes of each datagram, above zero; the last has what is left.</param>
    /// <param name="remoteAddress">Where to.</param>
    /// <param name="remotePort">Its port.</param>
    /// <returns>What became of the first that was not sent; those behind it are not sent either.</returns>
    public UdpSendResult SendBatchTo(
        Instant now, ReadOnlySpan<byte> payload, int segmentSize, InetAddress remoteAddress, ushort remotePort)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        return segmentSize >= payload.Length ? SendTo(now, payload, remoteAddress, remotePort)
            : Phase != EndpointPhase.Active || remotePort == 0 ? UdpSendResult.NotActive
            : payload.Length > MaxPayload ? UdpSendResult.TooLong
            : _driver.SendBatch(now, this, payload, segmentSize, remoteAddress, remotePort);
    }

    /// <summary>Ends the endpoint.</summary>
    public void Close()
    {
        if (Phase is EndpointPhase.Active)
        {
            _driver.Finish(this);
        }
    }

    /// <inheritdoc/>
    public override byte[] ToImage(Instant now) => EndpointImage.Write(this, UdpImage.Write(this, now));

    internal void SetError(IcmpErrorKind kind, InetAddress remoteAddress, ushort remotePort)
    {
        LastError = kind;
        _pendingError = (kind, remoteAddress, remotePort);
    }

    internal void Enqueue(in Datagram datagram)
    {
        _received.Enqueue(datagram);
        WaitingBytes += datagram.Length;
    }

    internal void Clear()
    {
        while (_received.TryDequeue(out var datagram))
        {
            datagram.Buffer.Dispose();
        }

        WaitingBytes = 0;
    }

    /// <summary>A datagram's payload in a pool's buffer, with its sender.</summary>
    internal readonly record struct Datagram(PooledBuffer Buffer, InetAddress Address, ushort Port)
    {
        public int Length => Buffer.Length;

        public ReadOnlySpan<byte> Payload => Buffer.Span;
    }
}

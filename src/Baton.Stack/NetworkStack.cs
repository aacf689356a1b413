using System.Diagnostics.CodeAnalysis;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The TCP/IP stack of one shard: interfaces, neighbours, endpoints. It is driven, from one thread, and does nothing by
/// itself.
/// </summary>
/// <remarks>
/// Order of calls: inputs (<c>On…</c>, the endpoints' own calls) in any order, each with a time that never goes back;
/// after inputs <see cref="TryTakeEvent"/> and <see cref="TryEmit"/> until both return false; then
/// <see cref="NextDeadline"/> says when to call <see cref="OnDeadline"/>.
/// </remarks>
public sealed class NetworkStack
{
    private readonly StackOptions _options;
    private readonly InFlightPool _inFlight = new();
    private readonly EndpointTable _table;
    private readonly Transmitter _transmitter;
    private readonly TcpEmitter _emitter;
    private readonly ResetSender _resets;
    private readonly ResetSender _hostResets;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly EndpointFactory _factory;
    private readonly InterfaceInput _interfaces;
    private readonly SynCookies _cookies;
    private readonly FastOpenCookies _fastOpen;
    private readonly FastOpenCache _servers;
    private readonly HostInput _host;
    private readonly ServiceInput _services;
    private readonly IcmpInput _icmp;
    private readonly IcmpSender _icmpSender;
    private readonly Reassembler _reassembler;
    private readonly Relocation _relocation;

    /// <summary>A stack without interfaces.</summary>
    public NetworkStack(StackOptions options)
    {
        TcpMemory = new QueueMemory(options.Limits.TcpQueueBytes);
        options = options.Sharing(TcpMemory, _inFlight);
        _options = options;
        _table = new EndpointTable(options.Limits, options.Keys.Sequence);
        _transmitter = new Transmitter(options.Limits, options.Drops, options.Pool, options.Keys.Sequence);
        _emitter = new TcpEmitter(_transmitter, options.Drops);
        _resets = new ResetSender(options.Limits, _transmitter, options.Drops);
        _hostResets = new ResetSender(options.Limits, _transmitter, options.Drops);
        var icmp = new IcmpSender(options.Limits, _transmitter, options.Drops);
        _servers = new FastOpenCache(options.Limits.FastOpenServers);
        _tcp = new TcpDriver(options, _table, _emitter, _resets, _hostResets, _servers);
        _udp = new UdpDriver(options, _table, _transmitter, options.Pool);
        _factory = new EndpointFactory(options, options.Pool, _tcp, _udp);
        _interfaces = new InterfaceInput(options, _transmitter, _emitter);
        _cookies = new SynCookies(options, _factory, _transmitter);
        _fastOpen = new FastOpenCookies(options, _table);
        _host = new HostInput(
            options, _table, _factory, _tcp, _udp, _hostResets, icmp, _cookies, _transmitter.Routes, _fastOpen, _servers);
        _services = new ServiceInput(options, _table, _factory, _tcp, _udp, _resets, icmp, _cookies, _fastOpen);
        _icmp = new IcmpInput(options, _table, _tcp, _udp, icmp, new NdpInput(options, _transmitter.Routes));
        _icmpSender = icmp;
        _reassembler = new Reassembler(options.Limits, options.Drops, options.Pool, icmp);
        _relocation = new Relocation(options, _table, _factory, _tcp, _udp, _transmitter.Routes);
    }

    /// <summary>What was dropped, and why.</summary>
    public DropCounters Drops => _options.Drops;

    /// <summary>All endpoints.</summary>
    public IReadOnlyCollection<Endpoint> Endpoints => _table.All;

    /// <summary>What the endpoints of services are to this node together; costs nothing to ask for.</summary>
    public EndpointLoad Load => _table.Load;

    /// <summary>Endpoints of services that are owned here and have no application.</summary>
    public int UnattachedEndpoints => _table.Unattached;

    /// <summary>Endpoints that wait for their image.</summary>
    public int Embryos => _table.Embryos;

    /// <summary>What is kept of other nodes' connections in TIME-WAIT; at most <see cref="StackLimits.Residues"/>.</summary>
    public int Residues => _table.Residues;

    /// <summary>Bytes that frozen endpoints and embryos hold.</summary>
    public long HeldBytes => _factory.HeldBytes;

    /// <summary>The memory of the queues of services' TCP connections.</summary>
    public QueueMemory TcpMemory { get; }

    /// <summary>The buffers of packets that wait.</summary>
    public BufferPool Pool => _options.Pool;

    /// <summary>Buffers of packets that wait for a neighbour's link address which is being asked for.</summary>
    public int AwaitingNeighbours => _interfaces.AwaitingNeighbours;

    /// <summary>RSTs sent from service addresses, hence to clients, for segments of no connection.</summary>
    public long ResetsSent => _resets.Sent;

    /// <summary>RSTs sent from the node's own addresses, for segments of no connection.</summary>
    public long HostResetsSent => _hostResets.Sent;

    /// <summary>Endpoints of services whose handshake is open; from <see cref="StackLimits.HalfOpenEndpoints"/> on, SYNs are answered by cookies.</summary>
    public int HalfOpenEndpoints => _table.HalfOpen;

    /// <summary>SYNs answered by a cookie.</summary>
    public long SynCookiesSent => _cookies.Sent;

    /// <summary>Connections made of a cookie that came back.</summary>
    public long SynCookiesAccepted => _cookies.Accepted;

    /// <summary>Acknowledgments of no connection that brought no cookie of ours, while cookies were about.</summary>
    public long SynCookiesRefused => _cookies.Refused;

    /// <summary>Cookies that TCP Fast Open gave to clients.</summary>
    public long FastOpenGranted => _fastOpen.Granted;

    /// <summary>Connections of clients that TCP Fast Open opened before their handshake was complete.</summary>
    public long FastOpenAccepted => _fastOpen.Accepted;

    /// <summary>SYNs of clients whose Fast Open cookie was not ours or for which there was no room.</summary>
    public long FastOpenRefused => _fastOpen.Refused;

    /// <summary>Servers whose Fast Open cookie is known, or that are not asked for one for a while.</summary>
    public int FastOpenServers => _servers.Count;

    /// <summary>Bytes of scratch memory that <see cref="TryEmit"/> needs for each frame: the longest frame that is made at once.</summary>
    public int ScratchLength => _interfaces.ScratchLength;

    /// <summary>When to call <see cref="OnDeadline"/>.</summary>
    public Instant NextDeadline => Instant.Min(
        _table.Timers.NextDeadline, Instant.Min(_interfaces.NextDeadline, _reassembler.NextDeadline));

    /// <summary>Whether <see cref="TryEmit"/> has something to look at.</summary>
    public bool HasOutput => _transmitter.HasReady || _emitter.HasWork;

    /// <summary>Addresses that are not used because somebody else on the link has them (<see cref="InterfaceOptions.CheckAddresses"/>).</summary>
    public IEnumerable<InetAddress> DuplicateAddresses => _interfaces.Duplicates;

    /// <summary>Changes whenever a neighbour's link address becomes known, another or unknown: then <see cref="LinkAddressOf"/> may say something else.</summary>
    public int NeighbourChanges => _interfaces.NeighbourChanges;

    /// <summary>Told of references and of the ends of their endpoints; null for nobody.</summary>
    public IReferenceObserver? References
    {
        get => _table.References;
        set => _table.References = value;
    }

    /// <summary>Adds an interface.</summary>
    /// <param name="options">What it is to be.</param>
    /// <param name="now">The time, from which the check of its addresses counts.</param>
    public InterfaceId AddInterface(InterfaceOptions options, Instant now = default) => _interfaces.Add(
        now, options.OwnTcp is { } own ? options with { OwnTcp = own with { InFlight = _inFlight } } : options);

    /// <summary>
    /// From now on the interface answers ARP or Neighbor Discovery for the service address, and tells its link so (RFC 5227
    /// §2.3, RFC 4861 §7.2.6); where addresses are checked first, once that is done.
    /// </summary>
    public void AnnounceAddress(Instant now, InterfaceId networkInterface, InetAddress address) =>
        _interfaces.Announce(now, networkInterface, address);

    /// <summary>From now on the interface does not answer for the service address.</summary>
    public void WithdrawAddress(InterfaceId networkInterface, InetAddress address) => _interfaces.Withdraw(networkInterface, address);

    /// <summary>The endpoint with an id that was given here, or null.</summary>
    public Endpoint? Find(EndpointId id) => _table.Find(id);

    /// <summary>The endpoint of a flow, or null.</summary>
    public Endpoint? Find(in Flow flow) => _table.Find(flow);

    /// <summary>
    /// Checks a packet that came in by a link: frame and packet must be addressed to us, the source be a host's
    /// (RFC 1122 §3.2.1.3).
    /// </summary>
    /// <param name="networkInterface">Where it came in.</param>
    /// <param name="frame">Its link header.</param>
    /// <param name="packet">Its layout.</param>
    /// <param name="isService">Whether the destination is a service address whose home this interface is, rather than the node's own.</param>
    public DropReason Admit(InterfaceId networkInterface, in EthernetHeader frame, in IpPacket packet, out bool isService) =>
        _interfaces.Admit(networkInterface, frame, packet, out isService);

    /// <summary>An ARP frame, link header included.</summary>
    public DropReason OnArp(Instant now, InterfaceId networkInterface, ReadOnlySpan<byte> frame) =>
        _interfaces.OnArp(now, networkInterface, frame);

    /// <summary>
    /// A fragment, before its flow can be known. When it was the last one missing, <paramref name="whole"/> is the packet
    /// (its checksum to be verified), valid until the next call; else it is empty.
    /// </summary>
    public DropReason OnFragment(Instant now, scoped in IpPacket packet, ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> whole) =>
        _reassembler.Add(now, packet, bytes, out whole);

    /// <summary>
    /// A packet that <see cref="Admit"/> let in and that could not be parsed: an IPv6 sender is told what is wrong with it,
    /// where RFC 8200 §4 wants that. Frame and addresses must be ours, as for any packet.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="networkInterface">Where it came in.</param>
    /// <param name="frame">Its link header.</param>
    /// <param name="bytes">From the IP header on.</param>
    /// <param name="reason">Why it could not be parsed; counted here.</param>
    public DropReason OnMalformed(
        Instant now, InterfaceId networkInterface, in EthernetHeader frame, ReadOnlySpan<byte> bytes, DropReason reason)
    {
        if (Ipv6Problem.TryFind(bytes, out var problem))
        {
            var packet = new IpPacket
            {
                Family = AddressFamily.V6,
                Source = InetAddress.FromBytes(bytes[8..24]),
                Destination = InetAddress.FromBytes(bytes[24..40]),
                HeaderLength = Ipv6Header.Length,
                TotalLength = Math.Min(bytes.Length, Ipv6Header.Length + (bytes[4] << 8 | bytes[5])),
            };
            if (!packet.Source.IsV4 && _interfaces.Admit(networkInterface, frame, packet, out _) == DropReason.None)
            {
                _icmpSender.ParameterProblem(now, packet, bytes, problem);
            }
        }

        return Drop(reason);
    }

    /// <summary>A packet to one of the node's own addresses, or ICMP to a service address that is no error about a service's flow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="packet">Its layout.</param>
    /// <param name="bytes">From the IP header on.</param>
    /// <param name="offload">State of its checksum.</param>
    /// <param name="networkInterface">Where it came in: Neighbor Discovery is about one link.</param>
    public DropReason OnPacket(
        Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload = default, InterfaceId networkInterface = default)
    {
        if (packet.IsFragment)
        {
            return Drop(DropReason.IpBadFragment);
        }

        switch (packet.Protocol)
        {
            // Nobody joins groups here but for Neighbor Discovery and echo.
            case IpProtocol.Tcp or IpProtocol.Udp when packet.Destination.IsMulticast:
                return Drop(DropReason.IpNotOurAddress);
            case IpProtocol.Tcp:
                return _host.OnTcp(now, packet, bytes, offload);
            case IpProtocol.Udp:
                return _host.OnUdp(now, packet, bytes, offload);
            case IpProtocol.Icmp when packet.Family == AddressFamily.V4:
            case IpProtocol.IcmpV6 when packet.Family == AddressFamily.V6:
                return _icmp.OnPacket(now, networkInterface, packet, bytes);
            default:
                _host.OnUnknownProtocol(now, packet, bytes);
                return Drop(DropReason.UnknownProtocol);
        }
    }

    /// <summary>
    /// A packet of a flow whose endpoint is here (verdict *Local*), or an ICMP error that quotes it. The caller has
    /// checked the reference (<see cref="ReferenceMatches"/>). <see cref="DropReason.TcpReopen"/> says that the endpoint
    /// has given way to a new connection: forget its flow, and give the packet to <see cref="OnUnknown"/>.
    /// </summary>
    public DropReason OnServicePacket(Instant now, Endpoint endpoint, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload = default)
    {
        if (endpoint.Phase == EndpointPhase.Closed)
        {
            return Drop(DropReason.UnknownEndpoint);
        }

        if (packet.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            return _icmp.OnError(now, endpoint, packet, bytes);
        }

        if (packet.IsFragment || packet.FlowAtDestination() != endpoint.Flow)
        {
            return Drop(DropReason.UnknownFlow);
        }

        if (endpoint.Phase != EndpointPhase.Active)
        {
            return _relocation.Hold(endpoint, offload, bytes[..packet.TotalLength], carried: false);
        }

        return endpoint is TcpEndpoint tcp
            ? _tcp.Deliver(now, tcp, packet, bytes, offload)
            : _udp.Deliver(now, (UdpEndpoint)endpoint, packet, bytes, offload);
    }

    /// <summary>
    /// A packet to a service address of a flow that the directory does not know. A SYN or first datagram to a service
    /// makes an unattached endpoint; the rest is answered by the RFCs (RST, port unreachable), at a bounded rate.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="packet">Its layout.</param>
    /// <param name="bytes">The packet, from the IP header on.</param>
    /// <param name="offload">State of its checksum.</param>
    /// <param name="service">The service at its destination, or null.</param>
    /// <param name="fresh">64 random bits: the id of the endpoint that may be made.</param>
    /// <param name="created">The endpoint that was made, its reference issued under <see cref="Epoch.First"/>; or null.</param>
    public DropReason OnUnknown(
        Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload, Service? service, EndpointId fresh, out Endpoint? created)
    {
        created = null;
        if (packet.IsFragment)
        {
            return Drop(DropReason.IpBadFragment);
        }

        return packet.Protocol switch
        {
            IpProtocol.Tcp => _services.OnTcp(now, packet, bytes, offload, service, fresh, out created),
            IpProtocol.Udp => _services.OnUdp(now, packet, bytes, offload, service, fresh, out created),
            _ => OnPacket(now, packet, bytes, offload),
        };
    }

    /// <summary>Whether a Geneve header is the reference that was issued for the endpoint: all bytes but the hop count are equal.</summary>
    public bool ReferenceMatches(Endpoint endpoint, ReadOnlySpan<byte> geneveHeader)
    {
        if (ReferenceCodec.SameButHops(endpoint.Reference.Span, geneveHeader))
        {
            return true;
        }

        Drop(DropReason.ReferenceMismatch);
        return false;
    }

    /// <summary>Binds an application to an endpoint (R2, R27).</summary>
    public void Attach(Endpoint endpoint, object application, string name)
    {
        endpoint.Application = application;
        endpoint.ApplicationName = name;
        _table.CountUnattached(endpoint);
    }

    /// <summary>Frees an endpoint of its application: it stays open, for <see cref="StackLimits.UnattachedTimeout"/> (R27).</summary>
    public void Detach(Instant now, Endpoint endpoint)
    {
        endpoint.Application = null;
        endpoint.ApplicationName = null;
        endpoint.UnattachedSince = now;
        _table.CountUnattached(endpoint);
        Reschedule(now, endpoint);
    }

    /// <summary>
    /// Makes new SYN cookies with another key. Those made with the last one hold until the next change: a caller that
    /// changes it no oftener than once in two minutes loses none.
    /// </summary>
    public void ChangeCookieKey(HashKey key) => _cookies.ChangeKey(key);

    /// <summary>Takes TCP connections to one of the node's own addresses.</summary>
    /// <exception cref="InvalidOperationException">The port has a listener.</exception>
    public TcpListener Listen(InetAddress address, ushort port, int backlog) => _host.Listen(address, port, backlog);

    /// <summary>Ends a listener. Accepted connections stay, the others are reset.</summary>
    public void Unlisten(Instant now, TcpListener listener) => _host.Unlisten(now, listener);

    /// <summary>
    /// Opens a TCP connection from one of the node's own addresses. Local address 0.0.0.0 or :: takes the one that suits
    /// the remote end (RFC 6724), local port 0 a free one (RFC 6056). Null when that cannot be (<see cref="TryConnect"/>
    /// says why).
    /// </summary>
    public TcpEndpoint? Connect(Instant now, FourTuple tuple) => TryConnect(now, tuple, out var endpoint, out _) ? endpoint : null;

    /// <summary>The same, and why not.</summary>
    public bool TryConnect(Instant now, FourTuple tuple, [NotNullWhen(true)] out TcpEndpoint? endpoint, out ConnectFailure failure)
    {
        failure = _host.Connect(now, tuple, text: default, fastOpen: false, out endpoint);
        return endpoint is not null;
    }

    /// <summary>
    /// The same by TCP Fast Open (RFC 7413): what is to be sent first goes with the SYN as far as it fits, if the server has given
    /// a cookie before, and else follows the handshake; then a cookie is asked for. The server may take it twice (§6.1), so it
    /// has to be something that may be.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="tuple">Addresses and ports.</param>
    /// <param name="text">What is sent first; what the send queue has no room for is left out (<see cref="TcpConnection.SendQueueBytes"/> tells).</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="failure">Why there is none.</param>
    public bool TryConnectFast(
        Instant now, FourTuple tuple, ReadOnlySpan<byte> text, [NotNullWhen(true)] out TcpEndpoint? endpoint, out ConnectFailure failure)
    {
        failure = _host.Connect(now, tuple, text, fastOpen: true, out endpoint);
        return endpoint is not null;
    }

    /// <summary>
    /// Binds a UDP endpoint to one of the node's own addresses. With a remote port it exchanges datagrams with that
    /// address only; else with anybody (remote address 0.0.0.0 or ::). Local address 0.0.0.0 or :: takes the one that suits
    /// the remote end (RFC 6724), each time anew where there is none. Null when the port is taken, or there is no room.
    /// </summary>
    public UdpEndpoint? BindUdp(Instant now, FourTuple tuple) => _host.BindUdp(now, tuple);

    /// <summary>
    /// Sends a packet made elsewhere (an encapsulated one): finds route and neighbour, waits for the neighbour, and
    /// fragments what is longer than the MTU and may be.
    /// </summary>
    public DropReason Send(Instant now, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, InetAddress destination)
    {
        if (!_transmitter.TryRent(headers.Length + payload.Length, out var buffer))
        {
            return DropReason.SendQueueFull;
        }

        var packet = Transmitter.Packet(buffer);
        headers.CopyTo(packet);
        payload.CopyTo(packet[headers.Length..]);
        return _transmitter.Send(now, buffer, destination);
    }

    /// <summary>
    /// The link header for a packet to <paramref name="destination"/>, when its next hop is known: the way without a copy
    /// for who sends on the link himself. False: not known yet, use <see cref="Send"/>.
    /// </summary>
    public bool TryWriteLinkHeader(Instant now, InetAddress destination, Span<byte> frame, out InterfaceId networkInterface) =>
        _interfaces.TryWriteLinkHeader(now, destination, frame, out networkInterface);

    /// <summary>The link address of the next hop to a destination as far as it is known, without asking for it.</summary>
    public MacAddress? LinkAddressOf(InetAddress destination) => _interfaces.LinkAddressOf(destination);

    /// <summary>Tells of the next hop to a destination, which another stack of this node has heard of: it need not be asked for.</summary>
    public void LearnLinkAddress(Instant now, InetAddress destination, MacAddress address) => _interfaces.LearnLinkAddress(now, destination, address);

    /// <summary>Takes what happened to the endpoint that waited longest.</summary>
    public bool TryTakeEvent(out Endpoint endpoint, out EndpointEvents events) => _table.TryTakeEvent(out endpoint, out events);

    /// <summary>
    /// Makes the next frame. Its headers stand in <paramref name="scratch"/> (at least <see cref="ScratchLength"/> bytes,
    /// another piece for each frame until the link is flushed), its payload in the connection, until the next input, or in a
    /// buffer, until <see cref="ReleaseSent"/>.
    /// </summary>
    public bool TryEmit(Instant now, Span<byte> scratch, out OutgoingFrame frame)
    {
        if (_transmitter.TryTake(scratch, out frame))
        {
            return true;
        }

        while (_emitter.TryNext(out var endpoint))
        {
            if (_emitter.TryRoute(now, endpoint, out var neighbour) && _emitter.TryEmit(now, endpoint, neighbour, scratch, out frame))
            {
                _emitter.Mark(endpoint);
                return true;
            }

            _tcp.Settle(endpoint, now);
        }

        // To ask for a next hop above may have made a frame.
        if (_transmitter.HasReady)
        {
            return TryEmit(now, scratch, out frame);
        }

        _reassembler.ReleaseWhole();
        frame = default;
        return false;
    }

    /// <summary>The links were flushed: gives back what super-segments of datagrams stood in (<see cref="InterfaceOptions.Uso"/>).</summary>
    public void ReleaseSent() => _transmitter.ReleaseSent();

    /// <summary>Does what is due.</summary>
    public void OnDeadline(Instant now)
    {
        while (_table.Timers.TryTakeDue(now, out var endpoint))
        {
            if (endpoint is TcpEndpoint tcp)
            {
                _tcp.OnDeadline(now, tcp);
            }
            else
            {
                _udp.OnDeadline(now, (UdpEndpoint)endpoint);
            }
        }

        _interfaces.OnDeadline(now);
        _reassembler.OnDeadline(now);
    }

    /// <summary>
    /// Step 3 of a handoff: the endpoint emits nothing from now on and holds what arrives. False when it may not move: no
    /// service's, half open, or not active.
    /// </summary>
    public bool Freeze(Instant now, Endpoint endpoint) => _relocation.Freeze(now, endpoint);

    /// <summary>The handoff was aborted: the endpoint goes on here, under <paramref name="epoch"/>, with what it held.</summary>
    public void Thaw(Instant now, Endpoint endpoint, Epoch epoch) => _relocation.Thaw(now, endpoint, epoch);

    /// <summary>Step 1 at the target: a place for the endpoint that may come. Holds what arrives and emits nothing.</summary>
    public DropReason TryCreateEmbryo(Instant now, in Flow flow, Service service, EndpointId id, Epoch epoch, out Endpoint? embryo) =>
        _relocation.TryCreateEmbryo(now, flow, id, epoch, service, out embryo);

    /// <summary>Step 5: the embryo takes its image, if that is sound and the client can be reached from here.</summary>
    /// <param name="now">The time.</param>
    /// <param name="embryo">The place made for it.</param>
    /// <param name="image">What <see cref="Endpoint.ToImage"/> gave; not kept.</param>
    /// <param name="copiedAhead">The queued bytes that the image leaves out, or nothing.</param>
    public InstallResult Install(Instant now, Endpoint embryo, ReadOnlyMemory<byte> image, CopiedAhead copiedAhead = default) =>
        _relocation.Install(now, embryo, image, copiedAhead);

    /// <summary>Step 5: writes the reference for the ownership to come.</summary>
    /// <param name="endpoint">The embryo; or an endpoint that has just been made.</param>
    /// <param name="epoch">The ownership's number.</param>
    /// <param name="ownerPort">The application's port at this node, or null for the service's.</param>
    public EncodedReference IssueReference(Endpoint endpoint, Epoch epoch, ushort? ownerPort = null)
    {
        _factory.IssueReference(endpoint, epoch, ownerPort);
        References?.OnIssued(endpoint);
        return endpoint.Reference;
    }

    /// <summary>Step 7 at the target: processes what came with the image, then what arrived, re-arms timers, owes the client one ACK.</summary>
    public bool Activate(Instant now, Endpoint embryo) => _relocation.Activate(now, embryo);

    /// <summary>
    /// Another node's connection in TIME-WAIT goes on here without an application: it answers what comes again, and gives way to
    /// a new connection (RFC 6191). It emits nothing by itself. Null where there is no room, or the bytes are no residue.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="service">Its service.</param>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="epoch">The ownership's number.</param>
    /// <param name="residue">What <see cref="TcpConnection.ToResidue"/> gave; not kept.</param>
    public TcpEndpoint? TakeResidue(Instant now, in Flow flow, Service service, EndpointId id, Epoch epoch, ReadOnlySpan<byte> residue) =>
        _relocation.TakeResidue(now, flow, id, epoch, service, residue);

    /// <summary>
    /// Takes an endpoint out of the stack in silence (no packet, no event) and gives its memory back; also for one that
    /// has closed, when nobody reads from it any more.
    /// </summary>
    public void Remove(Endpoint endpoint) => _relocation.Remove(endpoint);

    private void Reschedule(Instant now, Endpoint endpoint)
    {
        if (endpoint is TcpEndpoint tcp)
        {
            _tcp.AfterCall(tcp, now);
        }
        else if (endpoint.Phase == EndpointPhase.Active)
        {
            _udp.Schedule((UdpEndpoint)endpoint);
        }
    }

    private DropReason Drop(DropReason reason)
    {
        Drops.Count(reason);
        return reason;
    }
}

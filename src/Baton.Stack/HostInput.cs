using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>Traffic of the node's own addresses: echo, listeners, active opens, bound UDP. Its endpoints are found by flow and never move.</summary>
internal sealed class HostInput
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly EndpointFactory _factory;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly ResetSender _resets;
    private readonly IcmpSender _icmp;
    private readonly SynCookies _cookies;
    private readonly RoutingTable _routes;
    private readonly FastOpenCookies _fastOpen;
    private readonly FastOpenCache _servers;
    private readonly Dictionary<(InetAddress Address, ushort Port), TcpListener> _listeners = [];
    private readonly TcpSettings _ownTcpV6;
    private ushort _portCounter;

    public HostInput(
        StackOptions options,
        EndpointTable table,
        EndpointFactory factory,
        TcpDriver tcp,
        UdpDriver udp,
        ResetSender resets,
        IcmpSender icmp,
        SynCookies cookies,
        RoutingTable routes,
        FastOpenCookies fastOpen,
        FastOpenCache servers)
    {
        _fastOpen = fastOpen;
        _servers = servers;
        _cookies = cookies;
        _options = options;
        _table = table;
        _factory = factory;
        _tcp = tcp;
        _udp = udp;
        _resets = resets;
        _icmp = icmp;
        _routes = routes;
        _ownTcpV6 = EndpointFactory.ForV6(options.OwnTcp);
    }

    public TcpListener Listen(InetAddress address, ushort port, int backlog)
    {
        var listener = new TcpListener(address, port, backlog);
        if (!_listeners.TryAdd((address, port), listener))
        {
            throw new InvalidOperationException($"{address} port {port} has a listener already.");
        }

        return listener;
    }

    /// <summary>Ends a listener; connections that nobody has accepted are reset (RFC 9293 §3.10.5).</summary>
    public void Unlisten(Instant now, TcpListener listener)
    {
        _listeners.Remove((listener.Address, listener.Port));
        foreach (var endpoint in _table.All)
        {
            if (endpoint is TcpEndpoint { CountsInBacklog: true } tcp && tcp.Listener == listener)
            {
                tcp.Abort(now);
            }
        }
    }

    public ConnectFailure Connect(Instant now, FourTuple tuple, ReadOnlySpan<byte> text, bool fastOpen, out TcpEndpoint? endpoint)
    {
        endpoint = null;
        tuple = WithSource(tuple);
        if (tuple.LocalAddress.IsUnspecified)
        {
            return ConnectFailure.NoRoute;
        }

        if (tuple.LocalPort == 0)
        {
            tuple = tuple with { LocalPort = FreePort(IpProtocol.Tcp, tuple) };
        }

        if (tuple.LocalPort == 0)
        {
            return ConnectFailure.NoFreePort;
        }

        var flow = new Flow(IpProtocol.Tcp, tuple);
        var reason = _table.CheckRoom(flow, EndpointId.None, unattached: false);
        if (reason != DropReason.None)
        {
            return reason == DropReason.FlowInUse ? ConnectFailure.InUse : ConnectFailure.NoRoom;
        }

        endpoint = _factory.Tcp(flow, EndpointId.None, Epoch.First, null, EndpointPhase.Active, now);
        endpoint.Connection = _factory.Connect(tuple, SettingsTowards(tuple), now);
        endpoint.Connection.Write(text);
        if (fastOpen)
        {
            _servers.Open(now, endpoint.Connection);
        }

        _table.Add(endpoint);
        _tcp.AfterCall(endpoint, now);
        return ConnectFailure.None;
    }

    public UdpEndpoint? BindUdp(Instant now, FourTuple tuple)
    {
        tuple = WithSource(tuple);
        if (tuple.LocalPort == 0)
        {
            tuple = tuple with { LocalPort = FreePort(IpProtocol.Udp, tuple) };
        }

        var flow = new Flow(IpProtocol.Udp, tuple);
        if (tuple.LocalPort == 0 || _table.CheckRoom(flow, EndpointId.None, unattached: false) != DropReason.None)
        {
            return null;
        }

        var endpoint = _factory.Udp(flow, EndpointId.None, Epoch.First, null, EndpointPhase.Active, now);
        _table.Add(endpoint);
        return endpoint;
    }

    public DropReason OnTcp(Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var flow = packet.FlowAtDestination();
        if (_table.Find(flow) is TcpEndpoint endpoint)
        {
            // A service's endpoint is reached only through its id and reference.
            if (endpoint.Service is not null)
            {
                return Drop(DropReason.UnknownFlow);
            }

            var result = _tcp.Deliver(now, endpoint, packet, bytes, offload);
            if (result != DropReason.TcpReopen)
            {
                return result;
            }
        }

        return OnUnknownTcp(now, flow, packet, bytes, offload);
    }

    public DropReason OnUdp(Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var flow = packet.FlowAtDestination();
        if (_table.FindDatagrams(flow) is { Service: null } endpoint)
        {
            return _udp.Deliver(now, endpoint, packet, bytes, offload);
        }

        var reason = UdpDriver.Parse(packet, bytes, offload, out _, out _);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        _icmp.PortUnreachable(now, packet, bytes);
        return Drop(DropReason.UnknownFlow);
    }

    /// <summary>RFC 1122 §3.2.2.1: who does not speak a protocol says so.</summary>
    public void OnUnknownProtocol(Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes) =>
        _icmp.ProtocolUnreachable(now, packet, bytes);

    private DropReason OnUnknownTcp(Instant now, in Flow flow, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload)
    {
        var segment = packet.Payload(bytes);
        var reason = TcpDriver.Parse(packet, segment, offload, out var header, out int headerLength);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        // RFC 9293 §3.10.7.2: in LISTEN a RST is ignored, an ACK is answered by RST, a SYN opens, all else is dropped.
        const TcpFlags Control = TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Fin;
        bool opens = (header.Flags & Control) == TcpFlags.Syn;
        TcpConnection? kept = null;
        if (!_listeners.TryGetValue((packet.Destination, packet.DestinationPort), out var listener)
            || (!opens && (kept = _cookies.TryAccept(now, flow, header, SettingsTowards(flow.Tuple))) is null))
        {
            return listener is not null && !header.Has(TcpFlags.Ack)
                ? Drop(DropReason.UnknownFlow)
                : _resets.Answer(now, packet, header, segment.Length - headerLength);
        }

        reason = listener.IsFull ? DropReason.BacklogFull : _table.CheckRoom(flow, EndpointId.None, unattached: false);
        if (reason != DropReason.None)
        {
            kept?.Release();
            return Drop(reason);
        }

        if (opens && !listener.HasRoom)
        {
            return _cookies.Answer(now, flow, header, SettingsTowards(flow.Tuple));
        }

        var endpoint = _factory.Tcp(flow, EndpointId.None, Epoch.First, null, EndpointPhase.Active, now);
        endpoint.Connection = kept ?? _factory.Accept(flow.Tuple, header, SettingsTowards(flow.Tuple), now, (byte)(packet.TrafficClass & 3));
        endpoint.Listener = listener;
        endpoint.CountsInBacklog = true;
        listener.Pending++;
        if (opens && listener.FastOpen)
        {
            _fastOpen.Answer(now, endpoint, header, segment[headerLength..]);
        }

        _table.Add(endpoint);
        _table.CountHalfOpen(endpoint);
        if (kept is not null)
        {
            return _tcp.Deliver(now, endpoint, packet, bytes, offload);
        }

        _tcp.AfterCall(endpoint, now);
        return DropReason.None;
    }

    /// <summary>RFC 9293 §3.7.1: the MSS is the interface's MTU less the fixed headers, and no more than configured.</summary>
    private TcpSettings SettingsTowards(in FourTuple tuple)
    {
        var settings = tuple.RemoteAddress.IsV4 ? _options.OwnTcp : _ownTcpV6;
        if (!_routes.TryFind(tuple.LocalAddress, tuple.RemoteAddress, out var networkInterface, out _))
        {
            return settings;
        }

        settings = networkInterface.Options.OwnTcp ?? settings;

        int mss = Math.Min(settings.Mss, networkInterface.Options.Mtu - IpHeader.Length(tuple.RemoteAddress) - TcpHeader.MinLength);
        return mss == settings.Mss ? settings : settings with { Mss = (ushort)mss };
    }

    /// <summary>A tuple whose local address is left open gets the one that suits the remote (RFC 6724).</summary>
    private FourTuple WithSource(in FourTuple tuple) =>
        tuple.LocalAddress.IsUnspecified && !tuple.RemoteAddress.IsUnspecified && _routes.TryChooseSource(tuple.RemoteAddress, out var source)
            ? tuple with { LocalAddress = source }
            : tuple;

    /// <summary>A local port from a keyed hash of the destination and a counter (RFC 6056 §3.3.3); 0 when all are taken.</summary>
    private ushort FreePort(IpProtocol protocol, in FourTuple tuple)
    {
        const int First = 49_152;
        const int Count = 65_536 - First;
        uint offset = (uint)new Flow(protocol, tuple).Hash(_options.Keys.Sequence);
        for (int i = 0; i < Count; i++)
        {
            ushort port = (ushort)(First + (offset + ++_portCounter) % Count);
            if (_table.Find(new Flow(protocol, tuple with { LocalPort = port })) is null)
            {
                return port;
            }
        }

        return 0;
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}

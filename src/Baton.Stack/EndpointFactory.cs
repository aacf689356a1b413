using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes endpoints, and issues the references by which the farm names them.</summary>
internal sealed class EndpointFactory
{
    private readonly StackOptions _options;
    private readonly HeldBudget _budget;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly TcpSettings _serviceTcpV6;

    // One instance for each service and family: SYN cookies know settings by their reference.
    private readonly Dictionary<string, (TcpSettings V4, TcpSettings V6)> _services = [];

    public EndpointFactory(StackOptions options, BufferPool pool, TcpDriver tcp, UdpDriver udp)
    {
        _options = options;
        _budget = new HeldBudget(options.Limits, pool);
        _tcp = tcp;
        _udp = udp;
        _serviceTcpV6 = options.ServiceTcpV6 ?? ForV6(options.ServiceTcp);
        foreach (var (name, profile) in options.Services)
        {
            if (profile.Tcp is { } settings)
            {
                _services.Add(name, (settings(options.ServiceTcp), settings(_serviceTcpV6)));
            }
        }
    }

    /// <summary>Bytes held by all frozen endpoints and embryos.</summary>
    public long HeldBytes => _budget.Used;

    public TcpEndpoint Tcp(in Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now)
    {
        var endpoint = new TcpEndpoint(_tcp, flow, id, epoch, service, phase, now) { FlowLabel = FlowLabel(flow) };
        ApplyProfile(endpoint);
        return endpoint;
    }

    /// <summary>An endpoint for what another node left of a connection in TIME-WAIT.</summary>
    public TcpEndpoint Residue(TcpConnection connection, EndpointId id, Epoch epoch, Service service, Instant now)
    {
        var flow = new Flow(IpProtocol.Tcp, connection.Tuple);
        var endpoint = new TcpEndpoint(_tcp, flow, id, epoch, service, EndpointPhase.Active, now)
        {
            FlowLabel = FlowLabel(flow), IsResidue = true, Connection = connection,
        };
        ApplyProfile(endpoint);
        return endpoint;
    }

    public UdpEndpoint Udp(in Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now)
    {
        var endpoint = new UdpEndpoint(_udp, flow, id, epoch, service, phase, now) { FlowLabel = FlowLabel(flow) };
        ApplyProfile(endpoint);
        return endpoint;
    }

    /// <summary>The packets that an endpoint holds, with room for more.</summary>
    public HeldPackets Held(Endpoint endpoint) => endpoint.MakeHeld(_budget);

    /// <summary>The settings of a service's connections with a client of an address's family.</summary>
    public TcpSettings ServiceSettings(Service service, InetAddress client) =>
        _services.Count > 0 && _services.TryGetValue(service.Name, out var own) ? (client.IsV4 ? own.V4 : own.V6)
        : client.IsV4 ? _options.ServiceTcp
        : _serviceTcpV6;

    /// <summary>A connection in SYN-RECEIVED for a SYN.</summary>
    public TcpConnection Accept(in FourTuple tuple, in TcpHeader syn, TcpSettings settings, Instant now, byte ecn) => TcpConnection.Accept(
        settings,
        tuple,
        syn,
        InitialNumbers.SequenceNumber(_options.Keys, tuple, now),
        InitialNumbers.TimestampOffset(_options.Keys, tuple),
        now,
        ecn);

    /// <summary>A connection in SYN-RECEIVED whose initial sequence number went out already, in a cookie.</summary>
    public TcpConnection Accept(in FourTuple tuple, in TcpHeader syn, TcpSettings settings, Instant now, SeqNum iss) =>
        TcpConnection.Accept(settings, tuple, syn, iss, TimestampOffset(tuple), now);

    /// <summary>What a flow's connection adds to its timestamp clock.</summary>
    public uint TimestampOffset(in FourTuple tuple) => InitialNumbers.TimestampOffset(_options.Keys, tuple);

    /// <summary>A connection in SYN-SENT.</summary>
    public TcpConnection Connect(in FourTuple tuple, TcpSettings settings, Instant now) => TcpConnection.Connect(
        settings,
        tuple,
        InitialNumbers.SequenceNumber(_options.Keys, tuple, now),
        InitialNumbers.TimestampOffset(_options.Keys, tuple),
        now);

    /// <summary>
    /// Writes the endpoint's reference for an ownership, with its sequence numbers as they are now, and the port of its
    /// application here, or the service's.
    /// </summary>
    public void IssueReference(Endpoint endpoint, Epoch epoch, ushort? ownerPort = null)
    {
        SequenceGroup? sequence = endpoint is TcpEndpoint { Connection: { } connection } ? connection.Sequence : null;
        endpoint.OwnerPort = ownerPort ?? endpoint.Service?.OwnerPort ?? endpoint.Flow.Tuple.LocalPort;
        endpoint.Epoch = epoch;
        endpoint.SetReference(
            ReferenceCodec.Encode(new Reference(endpoint.Flow, endpoint.Id, epoch, _options.OwnerAddress, endpoint.OwnerPort, sequence)));
    }

    /// <summary>
    /// IPv4's settings over IPv6: the longer header leaves less for segments, and a peer that names no MSS takes 1220
    /// bytes (RFC 6691 §2, RFC 9293 §3.7.1).
    /// </summary>
    public static TcpSettings ForV6(TcpSettings settings) => settings with
    {
        Mss = (ushort)(settings.Mss - (Ipv6Header.Length - Ipv4Header.Length)),
        DefaultPeerMss = DefaultPeerMssV6,
    };

    private const ushort DefaultPeerMssV6 = 1220;

    private void ApplyProfile(Endpoint endpoint)
    {
        if (endpoint.Service is { } service && _options.Services.TryGetValue(service.Name, out var profile))
        {
            (endpoint.TrafficClass, endpoint.HopLimit) = (profile.TrafficClass, profile.HopLimit);
        }
    }

    /// <summary>RFC 6437 §3: 20 bits, uniformly distributed, that cannot be guessed; 0 would say that there is none.</summary>
    private uint FlowLabel(in Flow flow) =>
        flow.Tuple.RemoteAddress.IsV4 ? 0 : (uint)(flow.Hash(_options.Keys.Timestamp) >> 40) & 0xF_FFFF | 1;
}

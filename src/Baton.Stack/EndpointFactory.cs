using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes endpoints, and issues the references by which the farm names them.</summary>
internal sealed class EndpointFactory
{
    private readonly StackOptions _options;
    private readonly BufferPool _pool;
    private readonly HeldBudget _budget;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;

    public EndpointFactory(StackOptions options, BufferPool pool, TcpDriver tcp, UdpDriver udp)
    {
        _options = options;
        _pool = pool;
        _budget = new HeldBudget(options.Limits);
        _tcp = tcp;
        _udp = udp;
    }

    /// <summary>Bytes held by all frozen endpoints and embryos.</summary>
    public long HeldBytes => _budget.Used;

    public TcpEndpoint Tcp(in Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now) =>
        new(_tcp, flow, id, epoch, service, phase, new HeldPackets(_pool, _budget), now);

    public UdpEndpoint Udp(in Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now) =>
        new(_udp, flow, id, epoch, service, phase, new HeldPackets(_pool, _budget), now);

    /// <summary>A connection in SYN-RECEIVED for a SYN.</summary>
    public TcpConnection Accept(in FourTuple tuple, in TcpHeader syn, TcpSettings settings, Instant now) => TcpConnection.Accept(
        settings,
        tuple,
        syn,
        InitialNumbers.SequenceNumber(_options.Keys, tuple, now),
        InitialNumbers.TimestampOffset(_options.Keys, tuple),
        now);

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
}

using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// First packets to services: each makes an unattached endpoint, whether or not an application listens (R1). Everything
/// else of unknown flows is answered by the RFCs, at a bounded rate.
/// </summary>
internal sealed class ServiceInput
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly EndpointFactory _factory;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly ResetSender _resets;
    private readonly IcmpSender _icmp;
    private readonly SynCookies _cookies;
    private readonly FastOpenCookies _fastOpen;

    public ServiceInput(
        StackOptions options, EndpointTable table, EndpointFactory factory, TcpDriver tcp, UdpDriver udp, ResetSender resets, IcmpSender icmp, SynCookies cookies, FastOpenCookies fastOpen)
    {
        _fastOpen = fastOpen;
        _cookies = cookies;
        _options = options;
        _table = table;
        _factory = factory;
        _tcp = tcp;
        _udp = udp;
        _resets = resets;
        _icmp = icmp;
    }

    public DropReason OnTcp(
        Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload, Service? service, EndpointId fresh, out Endpoint? created)
    {
        created = null;
        var segment = packet.Payload(bytes);
        var reason = TcpDriver.Parse(packet, segment, offload, out var header, out int headerLength);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        const TcpFlags Control = TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Fin;
        bool opens = (header.Flags & Control) == TcpFlags.Syn;
        var flow = packet.FlowAtDestination();
        TcpConnection? kept = null;
        if (service is null
            || (!opens && (kept = _cookies.TryAccept(now, flow, header, _factory.ServiceSettings(service, packet.Source))) is null))
        {
            // RFC 9293 §3.10.7.2: in LISTEN only an ACK is answered by RST.
            return service is not null && !header.Has(TcpFlags.Ack)
                ? Drop(DropReason.UnknownFlow)
                : _resets.Answer(now, packet, header, segment.Length - headerLength);
        }

        reason = _table.CheckRoom(flow, fresh, unattached: true);
        if (reason != DropReason.None)
        {
            kept?.Release();
            return Drop(reason);
        }

        if (opens && _table.HalfOpen >= _options.Limits.HalfOpenEndpoints)
        {
            return _cookies.Answer(now, flow, header, _factory.ServiceSettings(service, packet.Source));
        }

        var endpoint = _factory.Tcp(flow, fresh, Epoch.First, service, EndpointPhase.Active, now);
        endpoint.Connection = kept ?? _factory.Accept(flow.Tuple, header, _factory.ServiceSettings(service, packet.Source), now, (byte)(packet.TrafficClass & 3));
        if (opens && service.FastOpen)
        {
            _fastOpen.Answer(now, endpoint, header, segment[headerLength..]);
        }

        Add(endpoint);
        _table.CountHalfOpen(endpoint);
        created = endpoint;
        if (kept is not null)
        {
            reason = _tcp.Deliver(now, endpoint, packet, bytes, offload);
            created = endpoint.Phase == EndpointPhase.Active ? endpoint : null;
            return reason;
        }

        _tcp.AfterCall(endpoint, now);
        return DropReason.None;
    }

    public DropReason OnUdp(
        Instant now, in IpPacket packet, ReadOnlySpan<byte> bytes, FrameOffload offload, Service? service, EndpointId fresh, out Endpoint? created)
    {
        created = null;
        var reason = UdpDriver.Parse(packet, bytes, offload, out var header, out var payload);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        if (service is null || header.SourcePort == 0)
        {
            // RFC 1122 §4.1.3.1; a datagram from port 0 wants no answer (RFC 768), so nothing can be an exchange with it.
            if (header.SourcePort != 0)
            {
                _icmp.PortUnreachable(now, packet, bytes);
            }

            return Drop(DropReason.UnknownFlow);
        }

        var flow = packet.FlowAtDestination();
        reason = _table.CheckRoom(flow, fresh, unattached: true);
        if (reason != DropReason.None)
        {
            return Drop(reason);
        }

        var endpoint = _factory.Udp(flow, fresh, Epoch.First, service, EndpointPhase.Active, now);
        Add(endpoint);
        created = endpoint;
        _table.Raise(endpoint, EndpointEvents.Established);
        return _udp.Receive(now, endpoint, packet.Source, header.SourcePort, payload, offload);
    }

    private void Add(Endpoint endpoint)
    {
        _factory.IssueReference(endpoint, endpoint.Epoch);
        _table.Add(endpoint);
    }

    private DropReason Drop(DropReason reason)
    {
        _options.Drops.Count(reason);
        return reason;
    }
}

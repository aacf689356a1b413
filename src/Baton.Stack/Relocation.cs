using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>What became of an image.</summary>
public enum InstallResult : byte
{
    /// <summary>The embryo has its state, its route, and has asked for its next hop. It still emits nothing.</summary>
    Installed,

    /// <summary>The endpoint is no embryo, or has an image already.</summary>
    NotAnEmbryo,

    /// <summary>Malformed, of an unknown version, or of another flow.</summary>
    BadImage,

    /// <summary>Nothing leads from here to the client.</summary>
    NoRoute,
}

/// <summary>
/// What a move asks of the stack. Whoever is frozen or an embryo holds what arrives and emits nothing: no RST, ACK or
/// SYN-ACK; the emission queue passes over it, and it has no timer.
/// </summary>
internal sealed class Relocation
{
    private readonly StackOptions _options;
    private readonly EndpointTable _table;
    private readonly EndpointFactory _factory;
    private readonly TcpDriver _tcp;
    private readonly UdpDriver _udp;
    private readonly RoutingTable _routes;

    public Relocation(
        StackOptions options, EndpointTable table, EndpointFactory factory, TcpDriver tcp, UdpDriver udp, RoutingTable routes)
    {
        _options = options;
        _table = table;
        _factory = factory;
        _tcp = tcp;
        _udp = udp;
        _routes = routes;
    }

    public bool Freeze(Instant now, Endpoint endpoint)
    {
        if (endpoint is not { Phase: EndpointPhase.Active, Service: not null })
        {
            return false;
        }

        if (endpoint is TcpEndpoint tcp)
        {
            // A half-open connection never moves: a flood stays at one node.
            if (!tcp.IsEstablished || tcp.Connection!.State == TcpState.Closed)
            {
                return false;
            }

            tcp.Connection.Freeze(now);
        }

        endpoint.Phase = EndpointPhase.Frozen;
        _table.Timers.Set(endpoint, Instant.Never);
        return true;
    }

    public void Thaw(Instant now, Endpoint endpoint, Epoch epoch)
    {
        if (endpoint.Phase != EndpointPhase.Frozen)
        {
            return;
        }

        // The reference stays as issued: an abort leaves it valid under the new epoch.
        endpoint.Phase = EndpointPhase.Active;
        endpoint.Epoch = epoch;
        endpoint.Held.InImage = 0;
        endpoint.UnattachedSince = now;
        _table.CountUnattached(endpoint);
        Resume(now, endpoint);
    }

    public DropReason TryCreateEmbryo(
        Instant now, in Flow flow, EndpointId id, Epoch epoch, Service service, out Endpoint? embryo)
    {
        embryo = null;
        var reason = _table.Embryos >= _options.Limits.Embryos ? DropReason.EmbryosFull : _table.CheckRoom(flow, id, unattached: false);
        if (reason != DropReason.None)
        {
            return reason;
        }

        embryo = flow.Protocol == IpProtocol.Tcp
            ? _factory.Tcp(flow, id, epoch, service, EndpointPhase.Embryo, now)
            : _factory.Udp(flow, id, epoch, service, EndpointPhase.Embryo, now);
        _table.Add(embryo);
        return DropReason.None;
    }

    public InstallResult Install(Instant now, Endpoint embryo, ReadOnlyMemory<byte> image, in CopiedAhead copiedAhead)
    {
        if (embryo.Phase != EndpointPhase.Embryo || embryo.IsInstalled)
        {
            return InstallResult.NotAnEmbryo;
        }

        if (!_routes.TryFind(embryo.Flow.Tuple.LocalAddress, embryo.Flow.Tuple.RemoteAddress, out var networkInterface, out var nextHop))
        {
            return InstallResult.NoRoute;
        }

        if (!EndpointImage.TryRead(image, embryo, out var body, out var held) || !TryRestore(now, embryo, body, copiedAhead))
        {
            return InstallResult.BadImage;
        }

        embryo.IsInstalled = true;
        EndpointImage.ReadHeld(held.Span, (offload, packet) => Hold(embryo, offload, packet, carried: true));
        networkInterface.Neighbours.Find(now, nextHop);
        return InstallResult.Installed;
    }

    /// <summary>Keeps a packet for later, in its order of arrival.</summary>
    public DropReason Hold(Endpoint endpoint, FrameOffload offload, ReadOnlySpan<byte> packet, bool carried)
    {
        if (_factory.Held(endpoint).TryAdd(offload, packet, carried))
        {
            return DropReason.None;
        }

        _options.Drops.Count(DropReason.HeldQueueFull);
        return DropReason.HeldQueueFull;
    }

    public bool Activate(Instant now, Endpoint embryo)
    {
        if (embryo.Phase != EndpointPhase.Embryo || !embryo.IsInstalled)
        {
            return false;
        }

        _table.Hatch(embryo);
        embryo.UnattachedSince = now;
        Resume(now, embryo);
        if (embryo is UdpEndpoint udp)
        {
            _table.Raise(embryo, EndpointEvents.Established | (udp.WaitingDatagrams > 0 ? EndpointEvents.Readable : 0));
        }

        return true;
    }

    /// <summary>TIME-WAIT goes on here from what another node left of it; null where there is no room, or the bytes are none.</summary>
    public TcpEndpoint? TakeResidue(
        Instant now, in Flow flow, EndpointId id, Epoch epoch, Service service, ReadOnlySpan<byte> residue)
    {
        if (flow.Protocol != IpProtocol.Tcp || _table.Residues >= _options.Limits.Residues
            || _table.CheckRoom(flow, id, unattached: false) != DropReason.None
            || !TcpConnection.TryRestoreResidue(
                residue, flow.Tuple, _factory.ServiceSettings(service, flow.Tuple.RemoteAddress), now, out var connection))
        {
            return null;
        }

        // Nobody is told of what happened elsewhere.
        connection.TakeEvents();
        connection.Thaw(now);
        var endpoint = _factory.Residue(connection, id, epoch, service, now);
        _table.Add(endpoint);
        _tcp.AfterCall(endpoint, now);
        return endpoint;
    }

    public void Remove(Endpoint endpoint)
    {
        if (endpoint.Phase != EndpointPhase.Closed)
        {
            _table.Remove(endpoint);
        }

        (endpoint as UdpEndpoint)?.Clear();
        if (endpoint is TcpEndpoint tcp)
        {
            tcp.Listener?.Leave(tcp);
            tcp.Connection?.Release();
        }
    }

    private bool TryRestore(Instant now, Endpoint embryo, ReadOnlyMemory<byte> body, in CopiedAhead copiedAhead)
    {
        if (embryo is UdpEndpoint udp)
        {
            return UdpImage.TryRead(body.Span, udp, _udp, now);
        }

        var tcp = (TcpEndpoint)embryo;
        if (!TcpConnection.TryRestore(body, _factory.ServiceSettings(embryo.Service!, embryo.Flow.Tuple.RemoteAddress), now, copiedAhead, out var connection))
        {
            return false;
        }

        // Only what has been established moves, and only under its own name.
        if (connection!.Tuple != embryo.Flow.Tuple || !connection.IsSynchronized || connection.State == TcpState.Closed)
        {
            connection.Release();
            return false;
        }

        tcp.Connection = connection;
        return true;
    }

    /// <summary>Starts an endpoint again: timers with their remaining time, what was held in order, one ACK or window update.</summary>
    private void Resume(Instant now, Endpoint endpoint)
    {
        var tcp = endpoint as TcpEndpoint;
        tcp?.Connection!.Thaw(now);
        while (endpoint.Held.TryTake(out var item))
        {
            if (IpPacket.TryParse(item.Packet, out var packet) == DropReason.None && endpoint.Phase == EndpointPhase.Active)
            {
                Deliver(now, endpoint, packet, item);
            }

            item.Buffer.Dispose();
        }

        if (tcp is { Phase: EndpointPhase.Active })
        {
            tcp.Connection!.KickAfterMove(now);
            _tcp.AfterCall(tcp, now);
        }
        else if (endpoint is UdpEndpoint { Phase: EndpointPhase.Active } udp)
        {
            _udp.Touch(udp.LastActivity, udp);
        }
    }

    private void Deliver(Instant now, Endpoint endpoint, in IpPacket packet, in HeldPackets.Item item)
    {
        if (endpoint is TcpEndpoint tcp && packet.Protocol == IpProtocol.Tcp)
        {
            _tcp.Deliver(now, tcp, packet, item.Packet, item.Offload);
        }
        else if (endpoint is UdpEndpoint udp && packet.Protocol == IpProtocol.Udp)
        {
            _udp.Deliver(now, udp, packet, item.Packet, item.Offload);
        }
    }
}

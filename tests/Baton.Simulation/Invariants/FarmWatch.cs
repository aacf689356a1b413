using Baton.Director;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>
/// Holds the whole farm against its invariants: each frame as it leaves a node or client, and each endpoint after each
/// step in which its node ran.
/// </summary>
internal sealed class FarmWatch
{
    private readonly SimulationRun _run;
    private readonly Farm _farm;
    private readonly Dictionary<MemoryLink, FarmNode> _nodes = [];
    private readonly Dictionary<Endpoint, EndpointWatch> _endpoints = new(ReferenceEqualityComparer.Instance);
    private readonly List<EndpointWatch> _frozen = [];
    private readonly List<EndpointWatch> _halfOpen = [];
    private ulong _trace = 14695981039346656037;

    public FarmWatch(SimulationRun run, Farm farm)
    {
        _run = run;
        _farm = farm;
        foreach (var node in farm.Nodes)
        {
            _nodes.Add(node.FrontLink, node);
        }

        farm.Front.Observer = OnFrontFrame;
        farm.Lan.Observer = OnLanFrame;
        farm.Front.DuplicateObserver = OnDuplicate;
        farm.Lan.DuplicateObserver = OnDuplicate;
    }

    /// <summary>A hash of every frame that was sent, and when: equal runs have equal ones.</summary>
    public ulong TraceHash => _trace;

    /// <summary>Looks no more.</summary>
    public void Leave()
    {
        _farm.Front.Observer = _farm.Lan.Observer = null;
        _farm.Front.DuplicateObserver = _farm.Lan.DuplicateObserver = null;
        foreach (var node in _farm.Nodes)
        {
            foreach (var shard in node.Shard.Shards)
            {
                shard.HandoffEnded = null;
                shard.Handoffs.Observer = null;
            }

            node.Shard.Homes.Observer = null;
        }
    }

    /// <summary>After a step.</summary>
    public void AfterStep()
    {
        for (int i = _frozen.Count - 1; i >= 0; i--)
        {
            if (_frozen[i].IsGone())
            {
                _frozen.RemoveAt(i);
            }
        }

        for (int i = _halfOpen.Count - 1; i >= 0; i--)
        {
            if (_halfOpen[i].IsHalfOpenNoMore())
            {
                _halfOpen.RemoveAt(i);
            }
        }

        foreach (var node in _farm.Nodes)
        {
            if (!node.HasRun)
            {
                continue;
            }

            foreach (var endpoint in node.StackEndpoints)
            {
                if (endpoint.Service is not null && WatchOf(node, endpoint) is { } watch && watch.Check())
                {
                    _frozen.Add(watch);
                }
            }
        }
    }

    private EndpointWatch? WatchOf(FarmNode node, Endpoint endpoint)
    {
        if (!_endpoints.TryGetValue(endpoint, out var watch) && _run.FlowOf(endpoint.Flow) is { } flow)
        {
            watch = new EndpointWatch(_run, node, endpoint, flow);
            _endpoints.Add(endpoint, watch);
            _halfOpen.Add(watch);
        }

        return watch;
    }

    private void OnFrontFrame(MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> frame)
    {
        Trace(frame);
        if (!EthernetHeader.TryParse(frame, out var ethernet)
            || ethernet.EtherType is not (EtherType.Ipv4 or EtherType.Ipv6)
            || IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) != DropReason.None
            || !packet.HasPorts)
        {
            return;
        }

        var bytes = packet.Payload(frame[EthernetHeader.Length..]);
        if (_nodes.TryGetValue(from, out var node))
        {
            if (_run.FlowOf(packet.FlowAtSource()) is not { } flow)
            {
                return;
            }

            if (flow is DatagramFlow datagrams)
            {
                datagrams.OnEmitted(node, bytes);
            }
            else if (TcpHeader.TryParse(bytes, out var header, out int length) == DropReason.None)
            {
                _run.Trace?.WriteLine($"{_farm.Now} {from.Name,-8} {flow.Flow}: {Text(in header, bytes.Length - length)}");
                flow.Watch.OnFarmSegment(node, in header, bytes.Length - length);
            }
        }
        else if (packet.Protocol == IpProtocol.Tcp
            && _run.FlowOf(packet.FlowAtDestination()) is { } flow
            && TcpHeader.TryParse(bytes, out var header, out int length) == DropReason.None)
        {
            _run.Trace?.WriteLine($"{_farm.Now} {from.Name,-8} {flow.Flow}: {Text(in header, bytes.Length - length)}");
            flow.Watch.OnClientSegment(in header, bytes.Length - length);
        }
    }

    private void OnLanFrame(MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> frame)
    {
        Trace(frame);
        if (EthernetHeader.TryParse(frame, out var ethernet)
            && ethernet.EtherType is EtherType.Ipv4 or EtherType.Ipv6
            && IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None
            && packet is { Protocol: IpProtocol.Udp, FragmentOffset: 0, DestinationPort: Encapsulation.Port }
            && ReferenceCodec.TryDecode(packet.Payload(frame[EthernetHeader.Length..])[UdpHeader.Length..], out var reference, out _, out _, out _) == DropReason.None
            && _run.FlowOf(reference.Flow) is { } flow)
        {
            flow.Watch.Forwarded++;
        }
    }

    private void OnDuplicate(MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> frame)
    {
        if (Datagram.TryRead(frame, out var datagram))
        {
            _run.OnCopied(in datagram);
        }
        else if (IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None
            && packet is { IsFragment: true, MoreFragments: false, PayloadLength: < Datagram.NameLength })
        {
            _run.UnnamedCopies++;
        }
    }

    private static string Text(in TcpHeader header, int length) =>
        $"{header.Flags} {header.Sequence}+{length} ack {header.Acknowledgment} win {header.Window} tsval {header.Options.TimestampValue}";

    private void Trace(ReadOnlySpan<byte> frame)
    {
        const int Words = 7;
        ulong hash = (_trace ^ (ulong)_farm.Now.Ticks ^ ((ulong)frame.Length << 48)) * 1099511628211;
        if (frame.Length >= Words * sizeof(ulong))
        {
            foreach (ulong word in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(frame[..(Words * sizeof(ulong))]))
            {
                hash = (hash ^ word) * 1099511628211;
            }
        }

        _trace = hash;
    }
}

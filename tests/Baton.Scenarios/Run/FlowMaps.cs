using Baton.Scenarios.Script;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>The flows of a script. Packets without ports belong to the one that came to be last.</summary>
internal sealed class FlowMaps(ScriptSettings settings)
{
    /// <summary>The remote port of the first passive connection.</summary>
    private const ushort FirstRemotePort = 49_152;

    private readonly Dictionary<Flow, FlowMap> _maps = [];
    private FlowMap? _current;

    /// <summary>The flow of packets without ports.</summary>
    public FlowMap Current => _current ??= Get(IpProtocol.Tcp, new(settings.LocalAddress, settings.BindPort, settings.RemoteAddress, FirstRemotePort));

    /// <summary>The flow of a packet from the remote end.</summary>
    public FlowMap OfInbound(IpProtocol protocol, PacketSpec packet) => packet is { SourcePort: ushort remote, DestinationPort: ushort local }
        ? Get(protocol, new(settings.LocalAddress, local, settings.RemoteAddress, remote))
        : Current;

    /// <summary>The flow of a packet that left.</summary>
    public FlowMap OfSent(SentPacket packet) => Get(packet.Ip.Protocol, packet.Ip.FlowAtSource().Tuple);

    /// <summary>A connection is opened here: packets without ports are its from now on.</summary>
    public void Select(IpProtocol protocol, FourTuple tuple) => _current = Get(protocol, tuple);

    /// <summary>The flow of a connection.</summary>
    public FlowMap Get(IpProtocol protocol, FourTuple tuple)
    {
        var flow = new Flow(protocol, tuple);
        if (!_maps.TryGetValue(flow, out var map))
        {
            _maps[flow] = map = new FlowMap(tuple);
        }

        return map;
    }
}

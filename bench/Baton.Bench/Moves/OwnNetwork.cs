using System.Net;
using Baton.Bench.Farm;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Wire;

namespace Baton.Bench.Moves;

/// <summary>The own side's network: two nodes on the bridges of the benchmark's farm, and a client beside them.</summary>
internal sealed class OwnNetwork : IDisposable
{
    private readonly FarmNetwork _farm = new();
    private readonly Namespaces _near = new("near");

    public OwnNetwork()
    {
        try
        {
            _near.Ip("near", $"link add near type veth peer name near-port netns {Switch}");
            _near.Ip("near", "address add 198.51.100.3/24 dev near");
            _near.Ip("near", "link set near up");
            Namespaces.IpIn(Switch, "link set near-port master front up");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How long a node looks for something to do before it sleeps; while a move is due or lasts it does not sleep at all.</summary>
    public static TimeSpan Spin { get; } = TimeSpan.FromMicroseconds(50);

    /// <summary>Bytes of a connection's send queue at most.</summary>
    public const int SendBuffer = 256 << 10;

    /// <summary>The two nodes; the first is the home of <see cref="ServiceEndPoint"/>.</summary>
    public static IReadOnlyList<string> Nodes { get; } = [.. FarmNetwork.Nodes.Take(2)];

    public static IPEndPoint ServiceEndPoint { get; } = new(FarmNetwork.ServiceAddress, FarmNetwork.Port);

    public string Client => _near["near"];

    public string Switch => _farm.Switch;

    public static EngineOptions NodeOptions(string switchNamespace, string node)
    {
        var options = FarmNetwork.NodeOptions(switchNamespace, node);
        return options with
        {
            Members = [.. options.Members.Where(member => Nodes.Contains(member.Name))],
            SpinTime = Spin,

            // Where a client connects is where its connection stays until it is told to move.
            Services = [.. options.Services.Select(service => service with { Placement = Placement.FirstRequest })],

            // Room for what is to be queued, and no more: a source fills it, and all of it moves.
            Limits = new() { SendBuffer = SendBuffer, ReceiveBufferStart = 256 << 10 },
        };
    }

    public void Dispose()
    {
        _near.Dispose();
        _farm.Dispose();
    }
}

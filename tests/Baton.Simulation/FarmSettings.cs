using Baton.Engine;
using Baton.Link;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>How a simulated farm is.</summary>
public sealed record FarmSettings
{
    /// <summary>Everything random follows from it.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The nodes' names, in the order of their numbers from 1 on.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = ["a", "b", "c"];

    /// <summary>The clients on the front.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>What goes wrong on each node's and client's cable of the front.</summary>
    public FaultProfile Front { get; init; } = new() { Delay = TimeSpan.FromMicroseconds(50) };

    /// <summary>What goes wrong on each node's cable of the lan.</summary>
    public FaultProfile Lan { get; init; } = new() { Delay = TimeSpan.FromMicroseconds(20) };

    /// <summary>The grid on which time advances: what is due between two points happens at the later one. Zero for none.</summary>
    public TimeSpan Grid { get; init; }

    /// <summary>Settings of the clients' connections.</summary>
    public TcpSettings ClientTcp { get; init; } = TcpSettings.Default;

    /// <summary>The family of the clients' addresses and of the services that they use; the nodes have both on the front.</summary>
    public AddressFamily Family { get; init; } = AddressFamily.V4;

    /// <summary>The family of the nodes' addresses on the lan.</summary>
    public AddressFamily LanFamily { get; init; } = AddressFamily.V4;

    /// <summary>The front's MTU.</summary>
    public int FrontMtu { get; init; } = 1500;

    /// <summary>The lan's MTU.</summary>
    public int LanMtu { get; init; } = 1700;

    /// <summary>What the links do for the stacks.</summary>
    public LinkOffloads Offloads { get; init; }

    /// <summary>The services, at every node's service address.</summary>
    public IReadOnlyList<ServiceOptions> Services { get; init; } =
    [
        new() { Name = "tcp", Port = 80, Placement = Placement.FirstRequest },
        new() { Name = "placed", Port = 81, Placement = Placement.Handshake, Policy = "round-robin" },
        new() { Name = "udp", Port = 53, Protocol = IpProtocol.Udp, Placement = Placement.FirstRequest, ApplicationPort = 5353 },
    ];

    /// <summary>How many shards a node has, by its number.</summary>
    public Func<int, int> Shards { get; init; } = static _ => 1;

    /// <summary>Whether the nodes' channels and load datagrams are sealed, under keys that they get in no time.</summary>
    public bool Sealed { get; init; }

    /// <summary>Changes a node's options before it starts.</summary>
    public Func<EngineOptions, EngineOptions> Adjust { get; init; } = static options => options;
}

using Baton.Engine;
using Baton.Link;
using Baton.Membership;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>What a test wants of its farm.</summary>
internal sealed record FarmSetup
{
    /// <summary>A service that is placed by its first request's application, and which so stays at home until that moves it.</summary>
    public const ushort Web = 80;

    /// <summary>Placed at the handshake, one node after the other.</summary>
    public const ushort Spread = 81;

    /// <summary>Placed at the handshake, by load.</summary>
    public const ushort Least = 82;

    /// <summary>Placed at the handshake, by weight.</summary>
    public const ushort Weighted = 83;

    /// <summary>UDP: stays at home until its application moves it.</summary>
    public const ushort Udp = 53;

    /// <summary>UDP: placed with the first datagram, one node after the other.</summary>
    public const ushort UdpSpread = 54;

    /// <summary>Connections whose receive queues fill although nobody reads.</summary>
    public static FarmSetup WithWideWindows { get; } = new() { Limits = new() { ReceiveBufferStart = 4 << 20 } };

    /// <summary>The way from the client to the router takes so long, and as long back.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Bounds.</summary>
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Weights of a, b and c.</summary>
    public IReadOnlyList<ushort> Weights { get; init; } = [1, 1, 1];

    /// <summary>What the links do for those at their ends, the client and the router too.</summary>
    public LinkOffloads Offloads { get; init; } = LinkOffloads.Checksum | LinkOffloads.Tso | LinkOffloads.Uso;

    /// <summary>The nodes that run in the test's process; the others are the test's own matter.</summary>
    public IReadOnlyList<string> Runs { get; init; } = RealNetwork.NodeNames;

    /// <summary>Wraps a node's lan link (by the node's name), for faults.</summary>
    public Func<string, ILink, ILink> LanOf { get; init; } = static (_, link) => link;

    /// <summary>What a node, by its name, proves itself with; null where members do not authenticate each other.</summary>
    public Func<string, IPeerAuthenticator?> AuthenticatorOf { get; init; } = static _ => null;

    /// <summary>How long an endpoint may be frozen; a busy machine is no reason to fail.</summary>
    public TimeSpan HandoffBudget { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The farm's services.</summary>
    public static IReadOnlyList<ServiceOptions> Services { get; } =
    [
        new() { Name = "web", Port = Web, Placement = Placement.FirstRequest },
        new() { Name = "spread", Port = Spread, Placement = Placement.Handshake, Policy = "round-robin" },
        new() { Name = "least", Port = Least, Placement = Placement.Handshake },
        new() { Name = "weighted", Port = Weighted, Placement = Placement.Handshake, Policy = "weighted" },
        new() { Name = "udp", Port = Udp, Protocol = IpProtocol.Udp, Placement = Placement.FirstRequest },
        new() { Name = "udp-spread", Port = UdpSpread, Protocol = IpProtocol.Udp, Placement = Placement.Handshake, Policy = "round-robin" },
    ];
}

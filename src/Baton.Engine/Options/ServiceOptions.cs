using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// A service that clients use: a protocol and a port on every service address of the farm, or on those named in
/// <see cref="Addresses"/>.
/// </summary>
public sealed record ServiceOptions
{
    /// <summary>Its name, unique in the farm; applications bind to it.</summary>
    public required string Name { get; init; }

    /// <summary>TCP or UDP.</summary>
    public IpProtocol Protocol { get; init; } = IpProtocol.Tcp;

    /// <summary>The port that clients use.</summary>
    public required ushort Port { get; init; }

    /// <summary>The service addresses it is offered at; empty for all of the farm's.</summary>
    public IReadOnlyList<InetAddress> Addresses { get; init; } = [];

    /// <summary>The application a new endpoint is bound to; null for whichever is bound first.</summary>
    public string? Application { get; init; }

    /// <summary>The port of the application at a node, as references carry it; null for the service's.</summary>
    public ushort? ApplicationPort { get; init; }

    /// <summary>What its connections do otherwise than by default, from the SYN on and at whichever node; null for nothing.</summary>
    public ConnectionOptions? Connections { get; init; }

    /// <summary>
    /// Whether clients may send their first request with the SYN (TCP Fast Open, RFC 7413). Only for requests that may be done
    /// twice: the network can repeat a SYN (§6.1).
    /// </summary>
    public bool FastOpen { get; init; }

    /// <summary>When the node that serves a connection is selected.</summary>
    public Placement Placement { get; init; } = Placement.Handshake;

    /// <summary>Who is selected: the name of a selection policy ("least-of-two", "weighted", "round-robin", "rendezvous", or one of <see cref="EngineOptions.Policies"/>).</summary>
    public string Policy { get; init; } = "least-of-two";
}

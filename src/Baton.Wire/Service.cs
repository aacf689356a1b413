namespace Baton.Wire;

/// <summary>When the owner of a new connection is selected.</summary>
public enum Placement : byte
{
    /// <summary>Never moved by itself: the home serves what arrives.</summary>
    Home,

    /// <summary>When the handshake's last ACK has been validated (UDP: with the first datagram).</summary>
    Handshake,

    /// <summary>When the first request's bytes are there: the application that read them decides.</summary>
    FirstRequest,
}

/// <summary>A configured address, protocol and port that clients use. The same in every member's configuration.</summary>
/// <param name="Name">What configuration, applications and the tool call it.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Address">The service address.</param>
/// <param name="Port">The port that clients use.</param>
/// <param name="Home">The node that holds the address: ingress and directory of the service's flows.</param>
/// <param name="Application">The application bound to new connections, or null for whichever listens on the service.</param>
/// <param name="ApplicationPort">The port of the application at a node, as references carry it; may differ from <paramref name="Port"/>.</param>
/// <param name="Placement">When an owner is selected.</param>
/// <param name="Policy">Who is selected: the name of a selection policy.</param>
public sealed record Service(
    string Name,
    IpProtocol Protocol,
    InetAddress Address,
    ushort Port,
    NodeId Home,
    string? Application,
    ushort ApplicationPort,
    Placement Placement,
    string Policy);

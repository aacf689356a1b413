namespace Baton.Wire;

/// <summary>When the node that is to serve a connection is selected.</summary>
public enum Placement : byte
{
    /// <summary>At the SYN; handed off when the handshake's last ACK has been validated (UDP: with the first datagram).</summary>
    Handshake,

    /// <summary>When the first request's bytes are there, by the application that read them.</summary>
    FirstRequest,
}

/// <summary>A configured address, protocol and port that clients use. The same in every member's configuration.</summary>
/// <param name="Name">The service's name in configuration and listings.</param>
/// <param name="Address">The address that clients use; no kernel owns it.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">The port that clients use.</param>
/// <param name="Home">The node that answers for the address and holds the directory entries of its flows.</param>
/// <param name="Placement">When the owner is selected.</param>
/// <param name="ApplicationName">The application bound by default, or null when each node's binding decides.</param>
/// <param name="ApplicationPort">The port of the application at its node, as references carry it; 0 for the same as <paramref name="Port"/>.</param>
/// <param name="Policy">Who is selected: a selection policy's name.</param>
public sealed record Service(
    string Name,
    InetAddress Address,
    IpProtocol Protocol,
    ushort Port,
    NodeId Home,
    Placement Placement = Placement.Handshake,
    string? ApplicationName = null,
    ushort ApplicationPort = 0,
    string Policy = "least-of-two")
{
    /// <summary>Whether TCP Fast Open is done (RFC 7413): what a SYN brings may reach the application twice (§6.1).</summary>
    public bool FastOpen { get; init; }

    /// <summary>The port that references issued for this service carry as the owner's.</summary>
    public ushort OwnerPort => ApplicationPort != 0 ? ApplicationPort : Port;
}

using System.Net.NetworkInformation;
using Baton.Wire;

namespace Baton.Link;

/// <summary>What a link is wanted for, when its kind is chosen here.</summary>
public sealed record LinkRequest
{
    /// <summary>The interface's name.</summary>
    public required string Name { get; init; }

    /// <summary>The network namespace of the interface, by name or path; null for the present one.</summary>
    public string? Namespace { get; init; }

    /// <summary>The stack's Ethernet address; null for a random one, or the interface's own where the link has it all.</summary>
    public MacAddress? Address { get; init; }

    /// <summary>The stack's Internet addresses, which the kernel must not own.</summary>
    public IReadOnlyList<InetAddress> Addresses { get; init; } = [];

    /// <summary>Largest IP packet in bytes, of an interface that is made.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>As in <see cref="TapOptions.Napi"/>, of an interface that is made.</summary>
    public bool Napi { get; init; }
}

/// <summary>A link, and why it is of its kind.</summary>
/// <param name="Link">The link, open.</param>
/// <param name="Reason">One line for a log.</param>
public sealed record ChosenLink(ILink Link, string Reason);

/// <summary>
/// Chooses the link that is best for an interface. One that does not exist is made: a TAP device. Of one that exists an XDP
/// socket takes all frames, so it is chosen only where the kernel has no address to lose and the driver has XDP and one
/// queue; elsewhere a packet socket shares the interface with the kernel.
/// </summary>
public static class LinkChoice
{
    /// <summary>Opens the best link that works.</summary>
    /// <exception cref="LinkException">None does; the message is that of the last.</exception>
    public static ChosenLink Open(LinkRequest request)
    {
        var (exists, shared, queues) = NetworkNamespace.Run(request.Namespace, () => Look(request.Name));
        if (!exists)
        {
            return new(OpenTap(request), $"{request.Name}: tap, since there is no such interface and one was made");
        }

        string reason = shared ? "the kernel has an address on it" : queues > 1 ? $"it has {queues} receive queues" : "";
        if (reason.Length == 0 && request.Address is null)
        {
            try
            {
                var link = XdpLink.Open(new() { Name = request.Name, Namespace = request.Namespace, Place = XdpPlace.Native, Addresses = request.Addresses });
                return new(link, $"{request.Name}: xdp ({link.Description}), since its driver has it and the kernel has no address on it");
            }
            catch (LinkException e)
            {
                reason = $"xdp does not work: {e.Message.Split('\n')[0]}";
            }
        }

        return new(OpenPacket(request), $"{request.Name}: packet, since {(reason.Length == 0 ? "the stack is to have an Ethernet address of its own" : reason)}");
    }

    /// <summary>Opens a TAP device.</summary>
    /// <exception cref="LinkException">It does not open.</exception>
    public static TapLink OpenTap(LinkRequest request) => TapLink.Open(
        new() { Name = request.Name, Namespace = request.Namespace, Address = request.Address, Mtu = request.Mtu, Napi = request.Napi });

    /// <summary>Opens a packet socket.</summary>
    /// <exception cref="LinkException">It does not open.</exception>
    public static PacketLink OpenPacket(LinkRequest request) => PacketLink.Open(
        new() { Name = request.Name, Namespace = request.Namespace, Address = request.Address, Addresses = request.Addresses });

    /// <summary>Opens an XDP socket.</summary>
    /// <exception cref="LinkException">It does not open.</exception>
    public static XdpLink OpenXdp(LinkRequest request) => XdpLink.Open(
        new() { Name = request.Name, Namespace = request.Namespace, Addresses = request.Addresses });

    /// <summary>Whether the interface is there, the kernel has an address on it (a link-local one aside), and how many queues it receives by.</summary>
    private static (bool Exists, bool Shared, int Queues) Look(string name)
    {
        var device = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(device => device.Name == name);
        return device is null
            ? (false, false, 0)
            : (true, device.GetIPProperties().UnicastAddresses.Any(own => !own.Address.IsIPv6LinkLocal), ReceiveQueues.Count(name));
    }
}

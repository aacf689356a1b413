using System.Net.NetworkInformation;
using Baton.Wire;

namespace Baton.Link;

/// <summary>A kind of link.</summary>
public enum LinkKind
{
    /// <summary>The best that works.</summary>
    Auto,

    /// <summary><see cref="TapLink"/>.</summary>
    Tap,

    /// <summary><see cref="PacketLink"/>.</summary>
    Packet,

    /// <summary><see cref="XdpLink"/>.</summary>
    Xdp,
}

/// <summary>What a link is wanted for.</summary>
public sealed record LinkRequest
{
    /// <summary>The kind that is wanted.</summary>
    public LinkKind Kind { get; init; }

    /// <summary>The interface's name.</summary>
    public required string Name { get; init; }

    /// <summary>The network namespace of the interface, by name or path; null for the present one.</summary>
    public string? Namespace { get; init; }

    /// <summary>The stack's Ethernet address; null for a random one, or the interface's own where the link has it all.</summary>
    public MacAddress? Address { get; init; }

    /// <summary>The stack's Internet addresses, which the kernel must not own.</summary>
    public IReadOnlyList<InetAddress> Addresses { get; init; } = [];

    /// <summary>The NIC program's side of the interface, if the link is to be one of XDP; null for none.</summary>
    public NicInterface? Nic { get; init; }

    /// <summary>Largest IP packet in bytes, of an interface that is made.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>As in <see cref="TapOptions.Napi"/>, of an interface that is made.</summary>
    public bool Napi { get; init; }

    /// <summary>As <see cref="XdpOptions.BusyPoll"/>, of an XDP socket.</summary>
    public TimeSpan BusyPoll { get; init; }

    /// <summary>As <see cref="XdpOptions.Vlan"/>: only XDP links put tags on and take them off.</summary>
    public int Vlan { get; init; }

    /// <summary>How many links the interface's frames are spread over: one for each shard. XDP sockets need an interface of so many receive queues.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>What a packet socket's queues have in common: a number of their own, as those of other processes have (packet(7)).</summary>
    internal ushort FanoutGroup { get; init; }
}

/// <summary>A link, and why it is of its kind.</summary>
/// <param name="Link">The link, open.</param>
/// <param name="Reason">One line for a log.</param>
public sealed record ChosenLink(ILink Link, string Reason)
{
    /// <summary>Links of the same interface and address, each with a part of its frames, when more than one queue was asked for.</summary>
    public IReadOnlyList<ILink> FurtherQueues { get; init; } = [];
}

/// <summary>A node's two links, and the programs on their interfaces.</summary>
/// <param name="Front">To the clients.</param>
/// <param name="Lan">To the other nodes.</param>
/// <param name="Nic">What the programs know; null where none runs.</param>
/// <param name="Reason">Who forwards, and why: one line for a log; empty where no link is of XDP.</param>
public sealed record ChosenLinks(ChosenLink Front, ChosenLink Lan, NicCache? Nic, string Reason);

/// <summary>
/// Chooses the link that is best for an interface. One that does not exist is made: a TAP device. Of one that exists an XDP
/// socket takes all frames of a queue, so it is chosen only where the kernel has no address to lose and the driver has XDP and a
/// queue for each link; elsewhere a packet socket shares the interface with the kernel.
/// </summary>
public static class LinkChoice
{
    private static int s_fanoutGroups;

    /// <summary>Opens both links of a node, with the NIC program on those that are of XDP.</summary>
    /// <param name="front">The link to the clients.</param>
    /// <param name="lan">The link to the other nodes.</param>
    /// <param name="nic">How much the program holds; null to do without it.</param>
    /// <exception cref="LinkException">One does not open; none is left open.</exception>
    public static ChosenLinks OpenBoth(LinkRequest front, LinkRequest lan, NicOptions? nic)
    {
        string reason = "";
        bool mayBeXdp = front.Kind is LinkKind.Xdp or LinkKind.Auto || lan.Kind is LinkKind.Xdp or LinkKind.Auto;
        var cache = mayBeXdp && nic is not null ? MakeCache(nic, front.Kind == LinkKind.Xdp || lan.Kind == LinkKind.Xdp, out reason) : null;
        ChosenLink? frontLink = null;
        try
        {
            frontLink = Open(front with { Nic = cache?.Front });
            var lanLink = Open(lan with { Nic = cache?.Lan });
            if (cache is { Front.IsAttached: false, Lan.IsAttached: false })
            {
                cache.Dispose();
                cache = null;
            }

            return new(frontLink, lanLink, cache, cache is null ? reason : WhoForwards(front.Name, cache));
        }
        catch
        {
            Dispose(frontLink);
            cache?.Dispose();
            throw;
        }
    }

    /// <summary>Opens the link that is wanted.</summary>
    /// <exception cref="LinkException">It does not open; of <see cref="LinkKind.Auto"/> the message is that of the last that was tried.</exception>
    public static ChosenLink Open(LinkRequest request) => request.Kind switch
    {
        not LinkKind.Xdp when request.Vlan != 0 => throw new LinkException(
            $"Interface {request.Name}: only an XDP link is on a VLAN (here {request.Vlan}) by itself.",
            $"ip link add link {request.Name} name {request.Name}.{request.Vlan} type vlan id {request.Vlan}, and the packet link on that; or a TAP device whose port of the bridge is of the VLAN"),
        LinkKind.Tap => OpenQueues(request, OpenTap, "tap", "as configured"),
        LinkKind.Packet => OpenQueues(request, OpenPacket, "packet", "as configured"),
        LinkKind.Xdp => OpenConfiguredXdp(request),
        _ => OpenBest(request),
    };

    private static ChosenLink OpenConfiguredXdp(LinkRequest request)
    {
        int queues = NetworkNamespace.Run(request.Namespace, () => ReceiveQueues.Count(request.Name));
        if (queues > request.Queues)
        {
            // Those of the others would go to the kernel, or nowhere.
            throw new LinkException(
                $"Interface {request.Name} receives by {queues} queues, and there is to be a link for {request.Queues} of them.",
                $"one shard for each queue, or ethtool -L {request.Name} combined {request.Queues}  (rx and tx where it has no combined ones), or the packet link");
        }

        return OpenXdp(request, XdpPlace.Any, "as configured");
    }

    private static ChosenLink OpenXdp(LinkRequest request, XdpPlace place, string why)
    {
        var links = XdpLink.OpenQueues(OptionsOfXdp(request, place), request.Queues);
        return new(links[0], $"{request.Name}: xdp ({links[0].Description}){InQueues(request)}, {why}") { FurtherQueues = [.. links.Skip(1)] };
    }

    private static string InQueues(LinkRequest request) => request.Queues > 1 ? $" with {request.Queues} queues" : "";

    private static XdpOptions OptionsOfXdp(LinkRequest request, XdpPlace place) =>
        new() { Name = request.Name, Namespace = request.Namespace, Place = place, Addresses = request.Addresses, Nic = request.Nic, BusyPoll = request.BusyPoll, Vlan = request.Vlan };

    private static NicCache? MakeCache(NicOptions options, bool isConfigured, out string reason)
    {
        reason = "";
        try
        {
            return new NicCache(options);
        }
        catch (LinkException e) when (!isConfigured)
        {
            reason = $"no program on the interfaces, since it does not work: {e.Message.Split('\n')[0]}";
            return null;
        }
    }

    private static string WhoForwards(string front, NicCache cache) =>
        cache.CanForward ? $"{front}: its program forwards by itself what other nodes own, since front and lan are both xdp"
        : cache is { Front.IsAttached: true, Lan.IsAttached: true } ? $"{front}: its program hands up what other nodes own and the host forwards it, since the lan is a VLAN"
        : cache.Front.IsAttached ? $"{front}: its program hands up what other nodes own and the host forwards it, since the lan is not xdp"
        : "the host forwards what other nodes own, since the front is not xdp";

    private static ChosenLink OpenBest(LinkRequest request)
    {
        var (exists, shared, queues) = NetworkNamespace.Run(request.Namespace, () => Look(request.Name));
        if (!exists)
        {
            return OpenQueues(request, OpenTap, "tap", "since there is no such interface and one was made");
        }

        string reason = shared ? "the kernel has an address on it" : queues != request.Queues ? $"its receive queues are {queues} and the node's shards {request.Queues}" : "";
        if (reason.Length == 0 && request.Address is null)
        {
            try
            {
                return OpenXdp(request, XdpPlace.Native, "since its driver has it and the kernel has no address on it");
            }
            catch (LinkException e)
            {
                reason = $"xdp does not work: {e.Message.Split('\n')[0]}";
            }
        }

        return OpenQueues(request, OpenPacket, "packet", $"since {(reason.Length == 0 ? "the stack is to have an Ethernet address of its own" : reason)}");
    }

    /// <summary>All have the address that the first was given, or gave itself.</summary>
    private static ChosenLink OpenQueues(LinkRequest request, Func<LinkRequest, ILink> open, string kind, string why)
    {
        var links = new List<ILink>();
        request = request with { FanoutGroup = (ushort)(31 * Environment.ProcessId + Interlocked.Increment(ref s_fanoutGroups)) };
        try
        {
            links.Add(open(request));
            while (links.Count < request.Queues)
            {
                links.Add(open(request with { Address = links[0].Address }));
            }
        }
        catch
        {
            links.ForEach(link => link.Dispose());
            throw;
        }

        return new(links[0], $"{request.Name}: {kind}{InQueues(request)}, {why}") { FurtherQueues = links[1..] };
    }

    private static void Dispose(ChosenLink? chosen)
    {
        foreach (var link in chosen is null ? [] : (ILink[])[chosen.Link, .. chosen.FurtherQueues])
        {
            link.Dispose();
        }
    }

    /// <summary>Opens a TAP device.</summary>
    /// <exception cref="LinkException">It does not open.</exception>
    public static TapLink OpenTap(LinkRequest request) => TapLink.Open(
        new() { Name = request.Name, Namespace = request.Namespace, Address = request.Address, Mtu = request.Mtu, Napi = request.Napi, MultiQueue = request.Queues > 1 });

    /// <summary>Opens a packet socket.</summary>
    /// <exception cref="LinkException">It does not open.</exception>
    public static PacketLink OpenPacket(LinkRequest request) => PacketLink.Open(
        new()
        {
            Name = request.Name,
            Namespace = request.Namespace,
            Address = request.Address,
            Addresses = request.Addresses,
            FanoutGroup = request.Queues > 1 ? request.FanoutGroup : null,
        });

    /// <summary>Whether the interface is there, the kernel has an address on it (a link-local one aside), and how many queues it receives by.</summary>
    private static (bool Exists, bool Shared, int Queues) Look(string name)
    {
        var device = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(device => device.Name == name);
        return device is null
            ? (false, false, 0)
            : (true, device.GetIPProperties().UnicastAddresses.Any(own => !own.Address.IsIPv6LinkLocal), ReceiveQueues.Count(name));
    }
}

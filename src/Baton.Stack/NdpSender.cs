using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes the messages of Neighbor Discovery of one interface (RFC 4861), all with hop limit 255.</summary>
internal sealed class NdpSender(NetworkInterface networkInterface, Transmitter transmitter)
{
    private const byte HopLimit = 255;

    private MacAddress Own => networkInterface.Options.MacAddress;

    /// <summary>
    /// Asks for a neighbour's link address: at its solicited-node group, or of the neighbour itself whether it still has
    /// it (RFC 4861 §7.2.2, §7.3.3).
    /// </summary>
    public void Solicit(InetAddress source, InetAddress target, MacAddress? known)
    {
        var destination = known is null ? target.SolicitedNode : target;
        var message = new NeighbourMessage { Target = target, LinkAddress = Own };
        Send(message, source, destination, known ?? MacAddress.GroupOf(destination));
    }

    /// <summary>Asks whether anybody has an address that we would like to use (RFC 4862 §5.4.2).</summary>
    public void Probe(InetAddress target)
    {
        var group = target.SolicitedNode;
        Send(new NeighbourMessage { Target = target }, InetAddress.AnyV6, group, MacAddress.GroupOf(group));
    }

    /// <summary>Tells everybody on the link that an address is here now (RFC 4861 §7.2.6).</summary>
    public void Announce(InetAddress target)
    {
        var message = new NeighbourMessage { IsAdvertisement = true, Target = target, LinkAddress = Own, Overrides = true };
        Send(message, target, InetAddress.AllNodes, MacAddress.GroupOf(InetAddress.AllNodes));
    }

    /// <summary>Answers a solicitation (RFC 4861 §7.2.4); one that came from no address is answered to all nodes.</summary>
    public void Answer(InetAddress target, InetAddress asker, MacAddress askerMac)
    {
        bool toAll = asker.IsUnspecified;
        var message = new NeighbourMessage
        {
            IsAdvertisement = true,
            Target = target,
            LinkAddress = Own,
            IsSolicited = !toAll,
            Overrides = true,
        };
        var destination = toAll ? InetAddress.AllNodes : asker;
        Send(message, target, destination, toAll ? MacAddress.GroupOf(destination) : askerMac);
    }

    /// <summary>Asks routers to tell of themselves (RFC 4861 §6.3.7).</summary>
    public void SolicitRouters(InetAddress source)
    {
        var message = new RouterMessage { LinkAddress = Own };
        var destination = InetAddress.AllRouters;
        if (transmitter.TryRent(Ipv6Header.Length + message.Length, out var buffer))
        {
            message.Write(Frame(buffer, source, destination, MacAddress.GroupOf(destination), message.Length), source, destination);
            transmitter.Enqueue(new QueuedFrame(buffer, networkInterface));
        }
    }

    private void Send(in NeighbourMessage message, InetAddress source, InetAddress destination, MacAddress mac)
    {
        if (transmitter.TryRent(Ipv6Header.Length + message.Length, out var buffer))
        {
            message.Write(Frame(buffer, source, destination, mac, message.Length), source, destination);
            transmitter.Enqueue(new QueuedFrame(buffer, networkInterface));
        }
    }

    /// <summary>Writes the headers before a message and returns its place.</summary>
    private Span<byte> Frame(PooledBuffer buffer, InetAddress source, InetAddress destination, MacAddress mac, int length)
    {
        new EthernetHeader(mac, Own, EtherType.Ipv6).Write(buffer.Span);
        var packet = Transmitter.Packet(buffer);
        Ipv6Header.Write(packet, source, destination, IpProtocol.IcmpV6, length, hopLimit: HopLimit);
        return packet[Ipv6Header.Length..];
    }
}

using Baton.Wire;

namespace Baton.Stack;

/// <summary>Makes the ARP packets of one interface (RFC 826).</summary>
internal sealed class ArpSender(NetworkInterface networkInterface, Transmitter transmitter)
{
    public void Send(ArpOperation operation, MacAddress destination, InetAddress sender, MacAddress targetMac, InetAddress target)
    {
        var own = networkInterface.Options.MacAddress;
        if (transmitter.TryRent(ArpPacket.Length, out var buffer))
        {
            new EthernetHeader(destination, own, EtherType.Arp).Write(buffer.Span);
            new ArpPacket(operation, own, sender, targetMac, target).Write(Transmitter.Packet(buffer));
            transmitter.Enqueue(new QueuedFrame(buffer, networkInterface));
        }
    }
}

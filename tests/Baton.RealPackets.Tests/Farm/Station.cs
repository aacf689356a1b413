using System.Globalization;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>
/// A station on one of the farm's networks that sends whatever the test gives it, sees what the bridge lets it see, and
/// answers ARP for its one address. It has no TCP: nobody resets what the test begins.
/// </summary>
internal sealed class Station : IDisposable, IFrameReceiver
{
    private static int s_number;
    private readonly TapLink _link;
    private readonly List<CapturedPacket> _seen = [];

    public Station(RealNetwork network, string bridge, InetAddress address)
    {
        Address = address;
        string name = string.Create(CultureInfo.InvariantCulture, $"station{Interlocked.Increment(ref s_number)}");
        _link = TapLink.Open(new TapOptions
        {
            Name = name,
            Namespace = network.Switch,
            Mtu = RealNetwork.Mtu(bridge),
            Offloads = LinkOffloads.None,
        });
        RealNetwork.Run(null, "ip", "-n", network.Switch, "link", "set", name, "master", bridge);
    }

    public InetAddress Address { get; }

    public MacAddress Mac => _link.Address;

    /// <summary>What came so far.</summary>
    public IReadOnlyList<CapturedPacket> Seen
    {
        get
        {
            while (_link.Receive(this, 64) > 0)
            {
            }

            return _seen;
        }
    }

    /// <summary>Sends a frame.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        Assert.True(_link.TrySend(FrameOffload.None, frame, default));
        _link.Flush();
    }

    /// <summary>Sends a TCP segment from this station.</summary>
    public void SendTcp(MacAddress to, InetAddress destination, TcpHeader header, ReadOnlySpan<byte> payload = default) =>
        Send(Frames.Tcp(Mac, to, Address, destination, header, payload));

    /// <summary>Sends a UDP datagram from this station.</summary>
    public void SendUdp(MacAddress to, InetAddress destination, ushort sourcePort, ushort port, ReadOnlySpan<byte> payload) =>
        Send(Frames.Udp(Mac, to, Address, destination, sourcePort, port, payload));

    /// <summary>Asks for a neighbour until it answers.</summary>
    public Task FindAsync(InetAddress neighbour) => Wait.UntilAsync(() =>
    {
        Send(Frames.Arp(Mac, MacAddress.Broadcast, new ArpPacket(ArpOperation.Request, Mac, Address, default, neighbour)));
        return Seen.Any(p => p.IsArp && p.Ethernet.Destination == Mac);
    });

    /// <summary>Waits for a packet that satisfies a condition.</summary>
    public async Task<CapturedPacket> WaitForAsync(Func<CapturedPacket, bool> condition)
    {
        CapturedPacket? found = null;
        await Wait.UntilAsync(() => (found = Seen.FirstOrDefault(condition)) is not null, "a packet at the station");
        return found!;
    }

    public void Dispose() => _link.Dispose();

    void IFrameReceiver.OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        var packet = new CapturedPacket(0, CaptureDirection.Inbound, frame.ToArray());
        _seen.Add(packet);
        if (packet.IsArp
            && ArpPacket.TryParse(frame[EthernetHeader.Length..], out var arp) == DropReason.None
            && arp.Operation == ArpOperation.Request
            && arp.TargetAddress == Address)
        {
            Send(Frames.Arp(Mac, arp.SenderMac, new ArpPacket(ArpOperation.Reply, Mac, Address, arp.SenderMac, arp.SenderAddress)));
        }
    }
}

using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>One frame of a capture, taken apart.</summary>
internal sealed class CapturedPacket
{
    private readonly IpPacket _ip;
    private readonly TcpHeader _tcp;

    public CapturedPacket(long time, CaptureDirection direction, byte[] frame)
    {
        Time = time;
        Direction = direction;
        Frame = frame;
        Assert.True(EthernetHeader.TryParse(frame, out var ethernet));
        Ethernet = ethernet;
        if (ethernet.EtherType != EtherType.Ipv4 || IpPacket.TryParse(frame.AsSpan(EthernetHeader.Length), out _ip) != DropReason.None)
        {
            return;
        }

        IsIp = true;
        var transport = _ip.Payload(Packet);
        switch (_ip.Protocol)
        {
            case IpProtocol.Tcp when TcpHeader.TryParse(transport, out _tcp, out int length) == DropReason.None:
                IsTcp = true;
                Payload = transport[length..].ToArray();
                break;
            case IpProtocol.Udp when !_ip.IsFragment:
                IsUdp = true;
                Payload = transport[UdpHeader.Length..].ToArray();
                break;
            default:
                break;
        }

        if (IsUdp && _ip.DestinationPort == GeneveHeader.Port
            && ReferenceCodec.TryDecode(Payload, out var reference, out var flags, out byte hops, out int header) == DropReason.None)
        {
            IsEncapsulated = true;
            Reference = reference;
            Flags = flags;
            Hops = hops;
            ReferenceBytes = Payload[..header];
            Inner = Payload[header..];
        }
    }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Time { get; }

    public CaptureDirection Direction { get; }

    public byte[] Frame { get; }

    public EthernetHeader Ethernet { get; }

    public bool IsIp { get; }

    public bool IsTcp { get; }

    public bool IsUdp { get; }

    public bool IsArp => Ethernet.EtherType == EtherType.Arp;

    public IpPacket Ip => IsIp ? _ip : throw new InvalidOperationException("No IP packet.");

    public TcpHeader Tcp => IsTcp ? _tcp : throw new InvalidOperationException("No TCP segment.");

    /// <summary>From the IP header on, without padding.</summary>
    public ReadOnlySpan<byte> Packet => Frame.AsSpan(EthernetHeader.Length, _ip.TotalLength);

    /// <summary>What TCP or UDP carries.</summary>
    public byte[] Payload { get; } = [];

    public bool IsEncapsulated { get; }

    public Reference Reference { get; }

    public ReferenceFlags Flags { get; }

    public byte Hops { get; }

    /// <summary>The one header with the whole reference.</summary>
    public byte[] ReferenceBytes { get; } = [];

    /// <summary>The client's packet in an encapsulated one.</summary>
    public byte[] Inner { get; } = [];

    public InetAddress Source => Ip.Source;

    public InetAddress Destination => Ip.Destination;

    public bool Has(TcpFlags flags) => IsTcp && _tcp.Has(flags);

    public override string ToString() =>
        $"{Direction} {Ethernet.Source} > {Ethernet.Destination} "
        + (IsTcp ? $"{Ip.Source}:{_tcp.SourcePort} > {Ip.Destination}:{_tcp.DestinationPort} {_tcp.Flags} seq {_tcp.Sequence} ack {_tcp.Acknowledgment} +{Payload.Length}"
            : IsIp ? $"{Ip.Source} > {Ip.Destination} {Ip.Protocol} +{Payload.Length}"
            : $"{Ethernet.EtherType:x4}");
}

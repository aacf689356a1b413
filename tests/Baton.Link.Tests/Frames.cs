using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>Frames for tests, made by hand.</summary>
internal static class Frames
{
    public static readonly MacAddress A = new(0x02_00_00_00_00_0A), B = new(0x02_00_00_00_00_0B), C = new(0x02_00_00_00_00_0C);

    /// <summary>An Ethernet frame of an experimental type with a number in it.</summary>
    public static byte[] Numbered(MacAddress source, MacAddress destination, int number, int length = 64)
    {
        byte[] frame = new byte[length];
        new EthernetHeader(destination, source, 0x88B5).Write(frame);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(14), number);
        return frame;
    }

    public static int NumberOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadInt32BigEndian(frame[14..]);

    /// <summary>A TCP segment over IPv4 with complete checksums, payload counting up.</summary>
    public static byte[] Tcp(MacAddress source, MacAddress destination, int payloadLength, TcpFlags flags = TcpFlags.Ack)
    {
        const int headers = 14 + 20 + 20;
        byte[] frame = new byte[headers + payloadLength];
        new EthernetHeader(destination, source, EtherType.Ipv4).Write(frame);
        var ip = frame.AsSpan(14);
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], 0x1000);
        BinaryPrimitives.WriteUInt16BigEndian(ip[6..], 0x4000);
        ip[8] = 64;
        ip[9] = (byte)IpProtocol.Tcp;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0xC0000201);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0xC0000202);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum.Fold(Checksum.Add(ip[..20])));
        var tcp = ip[20..];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, 4000);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], 80);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], 1_000_000);
        tcp[12] = 5 << 4;
        tcp[13] = (byte)flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 0xFFFF);
        for (int i = 20; i < tcp.Length; i++)
        {
            tcp[i] = (byte)i;
        }

        Assert.Equal(DropReason.None, Segmentation.CompleteChecksum(ip));
        return frame;
    }

    /// <summary>A UDP datagram from 192.0.2.2 to 192.0.2.1 with complete checksums, payload counting up.</summary>
    public static byte[] Udp(MacAddress source, MacAddress destination, ushort port, int payloadLength, byte first = 0)
    {
        byte[] frame = new byte[14 + 20 + 8 + payloadLength];
        new EthernetHeader(destination, source, EtherType.Ipv4).Write(frame);
        Ipv4Header.Write(frame.AsSpan(14), InetAddress.Parse("192.0.2.2"), InetAddress.Parse("192.0.2.1"), IpProtocol.Udp, frame.Length - 14);
        new UdpHeader(port, port, (ushort)(8 + payloadLength), 0).Write(frame.AsSpan(34));
        for (int i = 0; i < payloadLength; i++)
        {
            frame[42 + i] = (byte)(first + i);
        }

        Assert.Equal(DropReason.None, Segmentation.CompleteChecksum(frame.AsSpan(14)));
        return frame;
    }

    /// <summary>Replaces the complete UDP checksum by what a sender with checksum offload leaves there.</summary>
    public static byte[] WithPartialUdpChecksum(byte[] frame)
    {
        byte[] partial = [.. frame];
        var ip = partial.AsSpan(14);
        UdpChecksum.Write(ip[20..], UdpChecksum.Partial(InetAddress.FromBytes(ip[12..16]), InetAddress.FromBytes(ip[16..20]), ip.Length - 20));
        return partial;
    }

    /// <summary>Whether the UDP checksum of an IPv4 frame is complete and right.</summary>
    public static bool HasRightUdpChecksum(byte[] frame) =>
        IpPacket.TryParse(frame.AsSpan(14), out var packet) == DropReason.None && UdpChecksum.Verify(in packet, packet.Payload(frame.AsSpan(14)));

    /// <summary>Replaces the complete TCP checksum by what a sender with checksum offload leaves there.</summary>
    public static byte[] WithPartialChecksum(byte[] frame)
    {
        byte[] partial = [.. frame];
        var ip = partial.AsSpan(14);
        uint sum = Checksum.PseudoHeader(InetAddress.FromBytes(ip[12..16]), InetAddress.FromBytes(ip[16..20]), IpProtocol.Tcp, ip.Length - 20);
        BinaryPrimitives.WriteUInt16BigEndian(ip[36..], (ushort)~Checksum.Fold(sum));
        return partial;
    }

    /// <summary>Whether the TCP checksum of an IPv4 frame is complete and right.</summary>
    public static bool HasRightChecksum(byte[] frame)
    {
        byte[] again = [.. frame];
        return Segmentation.CompleteChecksum(again.AsSpan(14)) == DropReason.None && again.AsSpan().SequenceEqual(frame);
    }
}

/// <summary>Keeps copies of what it receives.</summary>
internal sealed class Inbox : IFrameReceiver
{
    public List<(FrameOffload Offload, byte[] Frame)> Received { get; } = [];

    public IEnumerable<int> Numbers => Received.Select(received => Frames.NumberOf(received.Frame));

    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame) => Received.Add((offload, frame.ToArray()));
}

using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>One ICMP echo through a namespace's kernel, by a raw socket.</summary>
internal static class Ping
{
    private const ushort Identifier = 0x4242;

    /// <returns>The time until the answer.</returns>
    public static TimeSpan Send(TestNamespace from, string address, ushort sequence, int payloadLength = 56)
    {
        using var socket = from.Open(SocketType.Raw, ProtocolType.Icmp);
        byte[] request = new byte[8 + payloadLength];
        request[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(4), Identifier);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), sequence);
        request.AsSpan(8).Fill((byte)sequence);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), Checksum.Fold(Checksum.Add(request)));

        long start = Stopwatch.GetTimestamp();
        socket.SendTo(request, new IPEndPoint(IPAddress.Parse(address), 0));
        byte[] answer = new byte[65536];
        while (true)
        {
            int length = socket.Receive(answer);
            var elapsed = Stopwatch.GetElapsedTime(start);
            var icmp = answer.AsSpan(0, length)[((answer[0] & 0xF) * 4)..];
            if (icmp[0] == 0 && BinaryPrimitives.ReadUInt16BigEndian(icmp[6..]) == sequence)
            {
                Assert.True(icmp[8..].SequenceEqual(request.AsSpan(8)));
                return elapsed;
            }
        }
    }
}

/// <summary>The smallest host there is: answers ARP for one address, and ICMP echo.</summary>
internal sealed class EchoHost(InetAddress address) : IFrameReceiver
{
    public List<MacAddress> AskedBy { get; } = [];

    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        Assert.True(EthernetHeader.TryParse(frame, out var header));
        if (header.EtherType == EtherType.Arp)
        {
            AnswerArp(link, header, frame);
        }
        else if (header.EtherType == EtherType.Ipv4 && frame[14 + 9] == (byte)IpProtocol.Icmp && frame[34] == 8)
        {
            AnswerEcho(link, header, frame);
        }
    }

    private void AnswerArp(ILink link, EthernetHeader header, Span<byte> frame)
    {
        if (InetAddress.FromBytes(frame[38..42]) != address)
        {
            return;
        }

        AskedBy.Add(header.Source);
        new EthernetHeader(header.Source, link.Address, EtherType.Arp).Write(frame);
        frame[21] = 2;
        frame[22..32].CopyTo(frame[32..]);
        link.Address.CopyTo(frame[22..]);
        address.CopyTo(frame[28..]);
        Assert.True(link.TrySend(FrameOffload.None, frame[..42], default));
        link.Flush();
    }

    private static void AnswerEcho(ILink link, EthernetHeader header, Span<byte> frame)
    {
        new EthernetHeader(header.Source, link.Address, EtherType.Ipv4).Write(frame);
        Span<byte> source = stackalloc byte[4];
        frame[26..30].CopyTo(source);
        frame[30..34].CopyTo(frame[26..]);
        source.CopyTo(frame[30..]);
        frame[34] = 0;
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(frame[36..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[36..], Checksum.Update(checksum, 0x0800, 0));

        // In three parts, as a stack gives headers and the two pieces of its ring.
        Assert.True(link.TrySend(FrameOffload.None, frame[..34], frame[34..42], frame[42..]));
        link.Flush();
    }
}

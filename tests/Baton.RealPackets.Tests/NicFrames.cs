using System.Buffers.Binary;
using Baton.Director;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>Random frames: right ones of every kind that the program knows, and the same with something wrong.</summary>
internal sealed class NicFrames(NicModel model, Random random)
{
    private static readonly MacAddress s_router = new(0x02_00_00_00_00_09);

    /// <summary>The next frame.</summary>
    public byte[] Next()
    {
        byte[] packet = random.Next(20) switch
        {
            < 10 => Known(),
            < 12 => Client(RandomFlow()),
            < 14 => IcmpError(model.Flows[random.Next(model.Flows.Count)]),
            < 17 => Encapsulated(),
            < 18 => Client(Known(to: NicModel.HostV4)),
            _ => Client(RandomFlow() with { Protocol = (IpProtocol)random.Next(256) }),
        };
        packet = random.Next(6) switch
        {
            0 => WithOptions(packet),
            1 => WithFragmentFields(packet),
            _ => packet,
        };
        byte[] frame = Framed(packet, random.Next(20) == 0 ? random.Next(1, 40) : 0);
        return random.Next(4) == 0 ? Mutated(frame) : frame;
    }

    /// <summary>The same frame with a VLAN's tag.</summary>
    public static byte[] Tagged(byte[] frame, int vlan) =>
        [.. frame[..12], 0x81, 0x00, (byte)(0x60 | vlan >> 8), (byte)vlan, .. frame[12..]];

    private byte[] Known() => Client(model.Flows[random.Next(model.Flows.Count)]);

    private static Flow Known(InetAddress to) => new(IpProtocol.Tcp, new(to, 22, InetAddress.Parse("203.0.113.9"), 5000));

    private Flow RandomFlow()
    {
        var flow = model.Flows[random.Next(model.Flows.Count)];
        return flow with { Tuple = flow.Tuple with { RemotePort = (ushort)random.Next(65536), LocalPort = (ushort)(random.Next(8) == 0 ? 6081 : 80) } };
    }

    private byte[] Client(Flow flow) => Packet(flow.Protocol, flow.Tuple.RemoteAddress, flow.Tuple.LocalAddress, Segment(flow, random.Next(4) == 0 ? random.Next(1400) : random.Next(64)));

    /// <summary>A segment from the client, or a datagram, with its checksum.</summary>
    private byte[] Segment(Flow flow, int payload)
    {
        int header = flow.Protocol == IpProtocol.Udp ? 8 : 20;
        byte[] segment = new byte[header + payload];
        random.NextBytes(segment);
        BinaryPrimitives.WriteUInt16BigEndian(segment, flow.Tuple.RemotePort);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), flow.Tuple.LocalPort);
        if (flow.Protocol == IpProtocol.Tcp)
        {
            segment[12] = 5 << 4;
            segment[13] = (byte)(random.Next(4) == 0 ? 0x02 : 0x10);
        }
        else if (flow.Protocol == IpProtocol.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(4), (ushort)segment.Length);
        }

        return segment;
    }

    private static byte[] Packet(IpProtocol protocol, InetAddress source, InetAddress destination, ReadOnlySpan<byte> segment)
    {
        int header = source.IsV4 ? Ipv4Header.Length : Ipv6Header.Length;
        byte[] packet = new byte[header + segment.Length];
        _ = source.IsV4
            ? Ipv4Header.Write(packet, source, destination, protocol, packet.Length)
            : Ipv6Header.Write(packet, source, destination, protocol, segment.Length);
        segment.CopyTo(packet.AsSpan(header));
        _ = Segmentation.CompleteChecksum(packet);
        return packet;
    }

    private byte[] IcmpError(Flow flow)
    {
        bool v4 = flow.Tuple.LocalAddress.IsV4;
        byte[] ours = Client(new Flow(flow.Protocol, flow.Tuple.Reversed));
        if (random.Next(4) == 0)
        {
            ours = WithOptions(ours);
        }

        byte[] quoted = ours[..Math.Min(ours.Length, random.Next(20, 600))];
        byte type = v4 ? (byte)random.Next(13) : (byte)random.Next(1, 140);
        var router = v4 ? InetAddress.Parse("203.0.113.200") : InetAddress.Parse("2001:db8:9::9");
        var message = new IcmpMessage(router.Family, type, (byte)random.Next(5), 0, quoted);
        byte[] body = new byte[message.Length];
        message.Write(body, router, flow.Tuple.LocalAddress);
        byte[] packet = Packet(v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, router, flow.Tuple.LocalAddress, body);
        return packet;
    }

    /// <summary>From a member or another, with one of our references as issued or altered, or with one that is not ours.</summary>
    private byte[] Encapsulated()
    {
        var reference = model.Own[random.Next(model.Own.Count)];
        byte[] bytes = reference.Span.ToArray();
        if (random.Next(3) == 0)
        {
            bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
        }

        reference = EncodedReference.FromBytes(bytes);
        bool v4 = random.Next(2) == 0;
        var outer = new OuterAddresses(NicModel.OwnerMac, NicModel.Mac, v4 ? NicModel.MemberV4 : NicModel.MemberV6, v4 ? NicModel.LanV4 : NicModel.LanV6);
        if (random.Next(5) == 0)
        {
            outer = outer with { Source = v4 ? InetAddress.Parse("192.0.2.77") : InetAddress.Parse("2001:db8::77") };
        }

        _ = ReferenceCodec.TryDecode(bytes, out var read, out _, out _, out _);
        byte[] inner = read.Flow.Protocol == 0 ? Known() : Client(read.Flow);
        byte[] frame = new byte[EthernetHeader.Length + Encapsulation.Overhead(in reference, outer.Destination) + inner.Length];
        int headers = Encapsulation.WriteHeaders(frame, in reference, ReferenceCodec.InitialHops, in outer, inner, (ushort)random.Next(49152, 65536));
        inner.CopyTo(frame.AsSpan(headers));
        return frame[EthernetHeader.Length..];
    }

    /// <summary>IPv4 options, or IPv6 extension headers, mostly well-formed.</summary>
    private byte[] WithOptions(byte[] packet)
    {
        if (packet[0] >> 4 == 4)
        {
            byte[] options = new byte[4 * random.Next(1, 11)];
            for (int at = 0; at < options.Length;)
            {
                byte[] option = random.Next(12) switch
                {
                    0 => [0],
                    < 5 => [1],
                    5 => [(byte)(random.Next(6) == 0 ? 131 : 7), 3, 4],
                    6 => [(byte)random.Next(256), (byte)random.Next(12)],
                    _ => [148, 4, 0, 0],
                };
                int length = Math.Min(option.Length, options.Length - at);
                option.AsSpan(0, length).CopyTo(options.AsSpan(at));
                at += length;
            }

            byte[] longer = [.. packet[..20], .. options, .. packet[20..]];
            longer[0] = (byte)(0x40 | (20 + options.Length) / 4);
            BinaryPrimitives.WriteUInt16BigEndian(longer.AsSpan(2), (ushort)longer.Length);
            Ipv4Header.WriteChecksum(longer.AsSpan(0, 20 + options.Length));
            return longer;
        }

        byte[] result = packet;
        byte next = packet[6];
        int count = random.Next(8) == 0 ? random.Next(1, 11) : random.Next(1, 4);
        for (int i = 0; i < count; i++)
        {
            byte kind = random.Next(12) switch { 0 => 44, < 3 => 43, < 5 => 51, 5 => 0, _ => (byte)(i == count - 1 ? 0 : 60) };
            int words = random.Next(3);
            byte[] header = new byte[kind == 51 ? 8 : 8 + (kind == 44 ? 0 : words * 8)];
            header[0] = next;
            header[1] = (byte)(kind is 51 or 44 ? 0 : words);
            header[2] = (byte)(kind is 0 or 60 && random.Next(8) > 0 ? 1 : 0);
            header[3] = (byte)(kind == 43 ? random.Next(8) == 0 ? 1 : 0 : header[2] == 1 ? header.Length - 4 : 0);
            result = [.. result[..40], .. header, .. result[40..]];
            next = kind;
        }

        result[6] = next;
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(4), (ushort)(result.Length - 40));
        return result;
    }

    private byte[] WithFragmentFields(byte[] packet)
    {
        if (packet[0] >> 4 != 4)
        {
            return packet;
        }

        byte[] fragment = [.. packet];
        BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(6), (ushort)random.Next(65536));
        Ipv4Header.WriteChecksum(fragment.AsSpan(0, Math.Min(fragment.Length, (fragment[0] & 0xF) * 4)));
        return fragment;
    }

    private byte[] Framed(byte[] packet, int padding)
    {
        var destination = random.Next(20) switch { 0 => MacAddress.Broadcast, 1 => NicModel.OwnerMac, _ => NicModel.Mac };
        byte[] frame = new byte[EthernetHeader.Length + packet.Length + padding];
        new EthernetHeader(destination, s_router, packet[0] >> 4 == 4 ? EtherType.Ipv4 : EtherType.Ipv6).Write(frame);
        packet.CopyTo(frame.AsSpan(EthernetHeader.Length));
        random.NextBytes(frame.AsSpan(EthernetHeader.Length + packet.Length));
        return frame;
    }

    /// <summary>Cut anywhere, or a few bits changed, mostly in the headers; sometimes the header's checksum is right again.</summary>
    private byte[] Mutated(byte[] frame)
    {
        if (random.Next(3) == 0)
        {
            return frame[..random.Next(14, frame.Length + 1)];
        }

        byte[] mutated = [.. frame];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            mutated[random.Next(4) == 0 ? random.Next(mutated.Length) : random.Next(12, Math.Min(mutated.Length, 80))] ^= (byte)(1 << random.Next(8));
        }

        int header = (mutated[14] & 0xF) * 4;
        if (mutated[14] >> 4 == 4 && header >= 20 && mutated.Length >= 14 + header && random.Next(2) == 0)
        {
            Ipv4Header.WriteChecksum(mutated.AsSpan(14, header));
        }

        return mutated;
    }
}

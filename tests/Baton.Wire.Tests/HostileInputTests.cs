namespace Baton.Wire.Tests;

/// <summary>No input throws or reads outside: spans are checked by the runtime, so a read outside would throw.</summary>
public sealed class HostileInputTests
{
    [Fact]
    public void Random_bytes_throw_nowhere() => Seeds.Run(20000, random => Feed(random.Bytes(random.Next(160)), random));

    [Fact]
    public void Random_bytes_behind_a_plausible_start_throw_nowhere() => Seeds.Run(20000, random =>
    {
        var bytes = random.Bytes(random.Next(1, 200));
        bytes[0] = random.Next(3) switch { 0 => 0x60, 1 => (byte)(0x40 | random.Next(16)), _ => (byte)random.Next(64) };
        if (bytes[0] == 0x60 && bytes.Length > 40)
        {
            // A chain of extension headers that fits.
            (bytes[4], bytes[5]) = (0, (byte)(bytes.Length - 40));
            ReadOnlySpan<byte> extensions = [0, 43, 44, 51, 60, 6];
            for (int at = 40; at < bytes.Length - 1; at += 8)
            {
                bytes[at] = extensions[random.Next(extensions.Length)];
                bytes[at + 1] = (byte)random.Next(3);
            }

            bytes[6] = extensions[random.Next(extensions.Length)];
        }

        Feed(bytes, random);
    });

    [Fact]
    public void Mutated_and_cut_packets_throw_nowhere() => Seeds.Run(20000, random =>
    {
        var packet = Packets.Next(random);
        for (int changes = random.Next(4); changes > 0; changes--)
        {
            packet[random.Next(packet.Length)] = (byte)random.Next(256);
        }

        Feed(packet.AsSpan(0, random.Next(packet.Length + 1)), random);
    });

    [Fact]
    public void What_parses_lies_inside_its_bytes() => Seeds.Run(20000, random =>
    {
        var packet = Packets.Next(random);
        packet[random.Next(packet.Length)] = (byte)random.Next(256);
        var cut = packet.AsSpan(0, random.Next(packet.Length + 1));
        if (IpPacket.TryParse(cut, out var parsed) == DropReason.None)
        {
            Assert.InRange(parsed.HeaderLength, 20, parsed.TotalLength);
            Assert.InRange(parsed.TotalLength, 20, cut.Length);
        }
    });

    [Theory]
    [InlineData("01010204", DropReason.TcpBadOptions)]
    [InlineData("02030000", DropReason.TcpBadOptions)]
    [InlineData("08000000", DropReason.TcpBadOptions)]
    [InlineData("05090000", DropReason.TcpBadOptions)]
    [InlineData("FD000000", DropReason.TcpBadOptions)]
    [InlineData("FD040000", DropReason.None)]
    [InlineData("00FFFFFF", DropReason.None)]
    [InlineData("030F0F00", DropReason.TcpBadOptions)]
    public void A_TCP_option_of_impossible_length_drops_the_segment(string options, DropReason expected)
    {
        var segment = new byte[24];
        segment[12] = 0x60;
        Convert.FromHexString(options).CopyTo(segment, 20);
        Assert.Equal(expected, TcpHeader.TryParse(segment, out _, out _));
    }

    [Fact]
    public void A_window_scale_above_14_is_taken_as_14()
    {
        var segment = new byte[24];
        segment[12] = 0x60;
        (segment[20], segment[21], segment[22]) = (3, 3, 200);

        Assert.Equal(DropReason.None, TcpHeader.TryParse(segment, out var header, out _));
        Assert.Equal((byte)14, header.Options.WindowScale);
    }

    private static void Feed(ReadOnlySpan<byte> bytes, Random random)
    {
        _ = EthernetHeader.TryParse(bytes, out _);
        ArpPacket.TryParse(bytes, out _);
        UdpHeader.TryParse(bytes, out _);
        TcpHeader.TryParse(bytes, out _, out _);
        GeneveHeader.TryParse(bytes, out _);
        ReferenceCodec.TryDecode(bytes, out _, out _, out _, out _);
        IpPacket.TryParseQuoted(bytes, out _);
        if (IpPacket.TryParse(bytes, out var packet) == DropReason.None)
        {
            IcmpMessage.TryParse(in packet, packet.Payload(bytes), out _);
            TcpChecksum.Verify(in packet, packet.Payload(bytes));
            UdpChecksum.Verify(in packet, packet.Payload(bytes));
        }

        Segmentation.CompleteChecksum(bytes.ToArray());
        var offload = new FrameOffload((ChecksumState)random.Next(3), (GsoType)random.Next(4), (ushort)random.Next(40));
        int link = random.Next(3);
        int first = random.Next(bytes.Length + 1);
        if (Segmentation.TryStart(bytes[..first], bytes[first..], default, offload, link, out var segments) == DropReason.None)
        {
            var buffer = new byte[segments.MaxPacketLength];
            int count = 0;
            while (segments.TryNext(buffer, out _))
            {
                count++;
            }

            Assert.Equal(segments.Count, count);
        }
    }
}

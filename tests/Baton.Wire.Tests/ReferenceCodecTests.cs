namespace Baton.Wire.Tests;

public sealed class ReferenceCodecTests
{
    private const int Rounds = 2000;

    [Fact]
    public void A_reference_reads_back_as_its_owner_wrote_it() => Seeds.Run(Rounds, random =>
    {
        var reference = random.NextReference();
        var encoded = ReferenceCodec.Encode(in reference);

        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(encoded.Span, out var read, out var flags, out byte hops, out int length));
        Assert.Equal(reference, read);
        Assert.Equal(reference.Sequence is not null, flags.HasFlag(ReferenceFlags.SequenceGroup));
        Assert.True(flags.HasFlag(ReferenceFlags.Forwarded));
        Assert.Equal(ReferenceCodec.InitialHops, hops);
        Assert.Equal(encoded.Length, length);
        Assert.Equal(reference.Id, ReferenceCodec.Id(encoded.Span));
    });

    [Fact]
    public void The_packet_begins_where_the_header_ends() => Seeds.Run(Rounds, random =>
    {
        var encoded = ReferenceCodec.Encode(random.NextReference());
        byte[] payload = [.. encoded.Span, .. random.Bytes(random.Next(100))];

        Assert.Equal(DropReason.None, ReferenceCodec.TryDecode(payload, out _, out _, out _, out int length));
        Assert.Equal(encoded.Length, length);
    });

    [Theory]
    [InlineData("203.0.113.2", "192.0.2.2", 68)]
    [InlineData("203.0.113.2", "2001:db8::2", 80)]
    [InlineData("2001:db8:1::2", "192.0.2.2", 92)]
    [InlineData("2001:db8:1::2", "2001:db8::2", 104)]
    public void The_header_is_as_long_as_its_families_need(string client, string owner, int length)
    {
        var address = InetAddress.Parse(client);
        var reference = new Reference(
            new(IpProtocol.Tcp, new(address, 80, address, 4000)), new(1), Epoch.First, InetAddress.Parse(owner), 80, default(SequenceGroup));

        Assert.Equal(length, ReferenceCodec.Encode(in reference).Length);
    }

    [Fact]
    public void The_bytes_are_those_of_the_document()
    {
        var reference = new Reference(
            new(IpProtocol.Tcp, new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.Parse("203.0.113.2"), 40000)),
            new(0x0123_4567_89AB_CDEF),
            new(2),
            InetAddress.Parse("192.0.2.2"),
            8080,
            new(new(0x1111_1111), new(0x2222_2222), new(0x3333_3333), new(0x4444_4444), new(0x5555_5555)));

        Assert.Equal(
            "0F40080000000000" + "FF42810E"
            + "01030406" + "00000002" + "0123456789ABCDEF" + "9C40" + "1F90" + "0050" + "0000"
            + "11111111" + "22222222" + "33333333" + "44444444" + "55555555"
            + "CB007102" + "C6336465" + "C0000202",
            Convert.ToHexString(ReferenceCodec.Encode(in reference).Span));
    }

    [Fact]
    public void Only_the_hop_count_may_differ() => Seeds.Run(Rounds, random =>
    {
        var issued = ReferenceCodec.Encode(random.NextReference());
        var travelled = issued.Span.ToArray();
        ReferenceCodec.WriteHops(travelled, (byte)random.Next(256));
        Assert.True(ReferenceCodec.SameButHops(issued.Span, travelled));
        Assert.True(ReferenceCodec.SameButHops(issued.Span, issued.Span));

        var forged = travelled;
        int at = random.Next(forged.Length);
        forged[at] ^= (byte)random.Next(1, 256);
        Assert.Equal(at == ReferenceCodec.HopCountOffset, ReferenceCodec.SameButHops(issued.Span, forged));
    });

    [Fact]
    public void What_is_accepted_has_one_spelling_only() => Seeds.Run(20000, random =>
    {
        var bytes = ReferenceCodec.Encode(random.NextReference()).Span.ToArray();
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        if (ReferenceCodec.TryDecode(bytes, out var reference, out var flags, out byte hops, out _) == DropReason.None)
        {
            var expected = ReferenceCodec.Encode(in reference).Span.ToArray();
            ReferenceCodec.WriteHops(expected, hops);
            expected[ReferenceCodec.HopCountOffset - 1] = (byte)flags;
            Assert.Equal(expected, bytes);
        }
    });

    [Fact]
    public void A_later_version_is_refused_by_name()
    {
        var bytes = ReferenceCodec.Encode(new Random(1).NextReference()).Span.ToArray();
        bytes[12] = 2;

        Assert.Equal(DropReason.ReferenceVersion, ReferenceCodec.TryDecode(bytes, out _, out _, out _, out _));
    }
}

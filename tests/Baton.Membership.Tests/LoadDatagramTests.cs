using Baton.Wire;

namespace Baton.Membership.Tests;

public sealed class LoadDatagramTests
{
    private const string Bytes =
        "ba700201" + "00020003" + "0000000000000007" + "0000000000000009" + "0000000b" + "0000000d" + "0000000000000011"
        + "0000000000000013" + "0000000000000017" + "000000000000001d";

    private static readonly LoadDatagram s_datagram = new(new(new(2), 7, 11, 17, 13, Draining: true, 3), 9, 19, 23, 29);

    [Fact]
    public void A_datagram_has_exactly_these_bytes_and_reads_back()
    {
        byte[] bytes = new byte[LoadDatagram.Length];
        Assert.Equal(LoadDatagram.Length, s_datagram.Write(bytes));

        Assert.Equal(Bytes, Convert.ToHexStringLower(bytes));
        Assert.Equal(DropReason.None, LoadDatagram.TryRead(bytes, out var read));
        Assert.Equal(s_datagram, read);
    }

    [Theory]
    [InlineData(0, 1, DropReason.MessageMalformed)]
    [InlineData(2, 1, DropReason.MessageVersion)]
    [InlineData(3, 3, DropReason.MessageMalformed)]
    [InlineData(5, 0, DropReason.MessageMalformed)]
    [InlineData(7, 0, DropReason.MessageMalformed)]
    public void What_this_version_does_not_write_is_refused(int offset, byte value, DropReason expected)
    {
        byte[] bytes = Convert.FromHexString(Bytes);
        bytes[offset] = value;

        Assert.Equal(expected, LoadDatagram.TryRead(bytes, out _));
    }

    [Fact]
    public void Any_other_length_is_refused_and_no_input_throws()
    {
        byte[] longer = [.. Convert.FromHexString(Bytes), 0];
        Assert.Equal(DropReason.MessageMalformed, LoadDatagram.TryRead(longer, out _));
        for (int length = 0; length < LoadDatagram.Length; length++)
        {
            Assert.Equal(DropReason.MessageMalformed, LoadDatagram.TryRead(longer.AsSpan(0, length), out _));
        }

        var random = new Random(1);
        var exchange = new LoadExchange(Farm.Members(), Farm.A, Farm.Options, 1, Instant.Zero);
        for (int run = 0; run < 50_000; run++)
        {
            byte[] bytes = new byte[random.Next(90)];
            random.NextBytes(bytes);
            if (bytes.Length > 2 && random.Next(2) == 0)
            {
                Convert.FromHexString(Bytes).AsSpan(0, 3).CopyTo(bytes);
            }

            LoadDatagram.TryRead(bytes, out _);
            Assert.NotEqual(DropReason.None, exchange.OnDatagram(Instant.Zero, Farm.LanAddress(new(77)), bytes));
        }
    }
}

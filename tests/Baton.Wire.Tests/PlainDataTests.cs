namespace Baton.Wire.Tests;

public sealed class PlainDataTests
{
    [Fact]
    public void Sequence_numbers_are_ordered_across_the_wrap() => Seeds.Run(1000, random =>
    {
        var number = random.NextSeq();
        int distance = random.Next(1, int.MaxValue);

        Assert.True(number + distance > number);
        Assert.True(number < number + distance);
        Assert.Equal(distance, number + distance - number);
        Assert.Equal(number, SeqNum.Min(number, number + distance));
    });

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.0", 24, true)]
    [InlineData("192.0.3.1", "192.0.2.0", 24, false)]
    [InlineData("10.1.2.3", "0.0.0.0", 0, true)]
    [InlineData("2001:db8::1", "0.0.0.0", 0, false)]
    [InlineData("2001:db8:0:1::1", "2001:db8::", 63, true)]
    [InlineData("2001:db8:0:1::1", "2001:db8::", 64, false)]
    [InlineData("2001:db8::3", "2001:db8::2", 127, true)]
    [InlineData("2001:db8::4", "2001:db8::2", 127, false)]
    public void A_prefix_holds_the_addresses_that_share_its_bits(string address, string network, int length, bool expected) =>
        Assert.Equal(expected, InetAddress.Parse(address).IsIn(InetAddress.Parse(network), length));

    [Fact]
    public void Addresses_read_back_as_written() => Seeds.Run(1000, random =>
    {
        var address = random.NextAddress(random.NextFamily());
        var bytes = new byte[16];
        int length = address.CopyTo(bytes);

        Assert.Equal(address, InetAddress.FromBytes(bytes.AsSpan(0, length)));
        Assert.Equal(address, InetAddress.Parse(address.ToString()));
        var mac = random.NextMac();
        Assert.True(MacAddress.TryParse(mac.ToString(), out var read));
        Assert.Equal(mac, read);
    });

    [Fact]
    public void Never_stays_never() => Assert.Equal(Instant.Never, Instant.Never + TimeSpan.FromDays(1));

    [Fact]
    public void A_flow_hashes_by_its_key_and_every_part_of_its_tuple() => Seeds.Run(1000, random =>
    {
        var family = random.NextFamily();
        var tuple = new FourTuple(random.NextAddress(family), 80, random.NextAddress(family), random.NextUShort());
        var flow = new Flow(IpProtocol.Tcp, tuple);
        var key = new HashKey((ulong)random.NextInt64(), (ulong)random.NextInt64());
        ulong hash = flow.Hash(in key);

        Assert.Equal(hash, flow.Hash(in key));
        Assert.NotEqual(hash, new Flow(IpProtocol.Udp, tuple).Hash(in key));
        Assert.NotEqual(hash, new Flow(IpProtocol.Tcp, tuple with { RemotePort = (ushort)(tuple.RemotePort + 1) }).Hash(in key));
        Assert.NotEqual(hash, new Flow(IpProtocol.Tcp, tuple with { LocalPort = 81 }).Hash(in key));
        Assert.NotEqual(hash, new Flow(IpProtocol.Tcp, tuple with { RemoteAddress = random.NextAddress(family) }).Hash(in key));
        Assert.NotEqual(hash, flow.Hash(new HashKey(key.First + 1, key.Second)));
    });
}

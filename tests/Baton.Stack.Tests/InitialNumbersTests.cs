using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class InitialNumbersTests
{
    private static readonly StackKeys Keys = new(new HashKey(1, 2), new HashKey(3, 4));
    private static readonly FourTuple Tuple = new(Host.ServiceAddress, 80, Host.Client, 40_000);

    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void SipHash_gives_its_published_values(int length, ulong expected)
    {
        // Key 00 01 … 0f, input 00 01 02 …: the reference implementation's vectors.
        var key = new HashKey(0x0706050403020100, 0x0f0e0d0c0b0a0908);
        var input = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        Assert.Equal(expected, SipHash.Compute(key, input));
    }

    [Fact]
    public void Sequence_numbers_rise_once_in_four_microseconds_and_differ_by_tuple_and_key()
    {
        var first = InitialNumbers.SequenceNumber(Keys, Tuple, Instant.Zero);
        Assert.Equal(250_000, InitialNumbers.SequenceNumber(Keys, Tuple, Instant.Zero + TimeSpan.FromSeconds(1)) - first);
        Assert.NotEqual(first, InitialNumbers.SequenceNumber(Keys, Tuple with { RemotePort = 40_001 }, Instant.Zero));
        Assert.NotEqual(first, InitialNumbers.SequenceNumber(Keys with { Sequence = new HashKey(9, 9) }, Tuple, Instant.Zero));
    }

    [Fact]
    public void The_timestamp_offset_is_one_for_a_pair_of_hosts()
    {
        uint offset = InitialNumbers.TimestampOffset(Keys, Tuple);
        Assert.Equal(offset, InitialNumbers.TimestampOffset(Keys, Tuple with { RemotePort = 1, LocalPort = 443 }));
        Assert.NotEqual(offset, InitialNumbers.TimestampOffset(Keys, Tuple with { RemoteAddress = Host.FarAway }));
    }
}

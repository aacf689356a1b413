using System.Buffers.Binary;
using Baton.Testing;

namespace Baton.Engine.Tests;

/// <summary>The records of a sealed channel: each opens once, in its place, or ends the channel.</summary>
public sealed class RecordTests : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public void Dispose() => _owned.ForEach(one => one.Dispose());

    [Fact]
    public void Records_open_in_the_order_in_which_they_were_sealed()
    {
        var keys = Keys(1);
        var input = Input(1);
        for (int length = 1; length <= SealedOutput.MaxContent; length = (length * 3) + 1)
        {
            byte[] record = Record(keys, length, (byte)length);
            ReadOnlySpan<byte> rest = record;
            Assert.True(input.TryFill(ref rest));
            Assert.True(rest.IsEmpty);
            Assert.Equal(Content(length, (byte)length), TakeAll(input));
        }
    }

    [Fact]
    public void A_record_that_is_repeated_left_out_or_overtaken_ends_the_channel()
    {
        var keys = Keys(1);
        byte[][] records = [.. Enumerable.Range(1, 3).Select(n => Record(keys, 100, (byte)n))];
        Assert.True(Opens(records[0], records[1], records[2]));
        Assert.False(Opens(records[0], records[0]));
        Assert.False(Opens(records[0], records[2]));
        Assert.False(Opens(records[1]));
        Assert.False(Opens(records[0], records[1], records[1]));
    }

    [Fact]
    public void Every_changed_bit_is_noticed()
    {
        byte[] record = Record(Keys(1), 40, 7);
        for (int bit = 0; bit < record.Length * 8; bit++)
        {
            byte[] changed = [.. record];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            var input = Input(1);
            ReadOnlySpan<byte> rest = changed;

            // A longer length waits for bytes that do not come; whatever else is changed is refused. Nothing is opened.
            Assert.True(!input.TryFill(ref rest) || BinaryPrimitives.ReadUInt16BigEndian(changed) > 40);
            Assert.False(input.HasContent);
        }
    }

    [Fact]
    public void What_is_cut_short_opens_nothing()
    {
        byte[] record = Record(Keys(1), 40, 7);
        for (int length = 0; length < record.Length; length++)
        {
            var input = Input(1);
            ReadOnlySpan<byte> rest = record.AsSpan(0, length);
            Assert.True(input.TryFill(ref rest));
            Assert.False(input.HasContent);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(SealedOutput.MaxContent + 1)]
    [InlineData(0xFFFF)]
    public void A_length_that_no_record_has_is_refused_before_anything_is_kept(int length)
    {
        byte[] header = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)length);
        ReadOnlySpan<byte> rest = header;
        Assert.False(Input(1).TryFill(ref rest));
    }

    [Fact]
    public void Keys_are_renewed_at_both_ends_after_so_many_records()
    {
        var keys = Keys(1, recordsPerKey: 4);
        var opening = Keys(1, recordsPerKey: 4);
        var input = new SealedInput(opening);
        for (int n = 0; n < 41; n++)
        {
            ReadOnlySpan<byte> rest = Record(keys, 10, (byte)n);
            Assert.True(input.TryFill(ref rest));
            Assert.Equal(Content(10, (byte)n), TakeAll(input));
        }

        Assert.Equal(10, keys.Renewals);
        Assert.Equal(10, opening.Renewals);
    }

    [Fact]
    public void After_a_renewal_the_record_of_the_same_number_under_the_last_key_does_not_open()
    {
        var keys = Keys(1, recordsPerKey: 1);
        byte[] first = Record(keys, 10, 1);
        Assert.NotEqual(first, Record(keys, 10, 1));
        var input = new SealedInput(Keys(1, recordsPerKey: 1));
        ReadOnlySpan<byte> rest = first;
        Assert.True(input.TryFill(ref rest));
        TakeAll(input);
        rest = first;
        Assert.False(input.TryFill(ref rest));
    }

    [Fact]
    public void Sessions_and_directions_have_keys_of_their_own()
    {
        byte[] mine = Secret(1);
        byte[] theirs = Secret(2);
        var a = new PeerSession(1, 1, mine, theirs);
        var b = new PeerSession(1, 1, theirs, mine);
        byte[] record = Record(Own(a.ChannelSender()), 10, 1);
        Assert.True(Opens(Own(b.ChannelReceiver()), record));
        Assert.False(Opens(Own(a.ChannelReceiver()), record));
        Assert.False(Opens(Own(new PeerSession(2, 1, theirs, Secret(3)).ChannelReceiver()), record));
    }

    [Fact]
    public void A_sealed_datagram_is_authentic_to_its_receiver_only_and_with_no_bit_changed()
    {
        byte[] mine = Secret(1);
        byte[] theirs = Secret(2);
        var a = new PeerSession(0x0102, 1, mine, theirs).Datagrams;
        var b = new PeerSession(0x0102, 1, theirs, mine).Datagrams;
        byte[] datagram = new byte[64 + DatagramSeal.Length];
        Assert.Equal(datagram.Length, a.Seal(datagram, 64));
        Assert.Equal(0x0102ul, DatagramSeal.SessionOf(datagram));
        Assert.True(b.IsAuthentic(datagram));
        Assert.False(a.IsAuthentic(datagram));
        for (int bit = 0; bit < datagram.Length * 8; bit++)
        {
            byte[] changed = [.. datagram];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(b.IsAuthentic(changed));
        }

        for (int length = 0; length < datagram.Length; length++)
        {
            Assert.False(b.IsAuthentic(datagram.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Sealing_and_opening_allocate_nothing_once_warm()
    {
        var keys = Keys(1);
        var input = Input(1);
        var seal = new PeerSession(1, 1, Secret(1), Secret(1)).Datagrams;
        byte[] record = new byte[SealedOutput.MaxRecord];
        byte[] taken = new byte[SealedOutput.MaxContent];
        byte[] datagram = new byte[64 + DatagramSeal.Length];
        bool all = true;
        long allocated = Allocation.Steady(() =>
        {
            for (int round = 0; round < 500; round++)
            {
                ReadOnlySpan<byte> rest = record.AsSpan(0, SealedOutput.Seal(keys, record, 200));
                all &= input.TryFill(ref rest) && input.Take(taken) == 200;
                seal.Seal(datagram, 64);
                all &= seal.IsAuthentic(datagram);
            }
        });
        Assert.True(all);
        Assert.Equal(0, allocated);
    }

    private static byte[] Secret(byte number) => [.. Enumerable.Repeat(number, PeerSession.SecretLength)];

    private static byte[] Content(int length, byte with) => [.. Enumerable.Repeat(with, length)];

    private static byte[] Record(RecordKeys keys, int length, byte with)
    {
        byte[] record = new byte[SealedOutput.MaxRecord];
        Content(length, with).CopyTo(record, SealedOutput.HeaderLength);
        return record[..SealedOutput.Seal(keys, record, length)];
    }

    private static byte[] TakeAll(SealedInput input)
    {
        byte[] taken = new byte[SealedOutput.MaxContent];
        int length = 0;
        while (input.HasContent)
        {
            length += input.Take(taken.AsSpan(length, Math.Min(1000, taken.Length - length)));
        }

        return taken[..length];
    }

    private bool Opens(params byte[][] records) => Opens(Keys(1), records);

    private bool Opens(RecordKeys keys, params byte[][] records)
    {
        var input = Own(new SealedInput(keys));
        foreach (byte[] record in records)
        {
            ReadOnlySpan<byte> rest = record;
            if (!input.TryFill(ref rest) || !input.HasContent)
            {
                return false;
            }

            TakeAll(input);
        }

        return true;
    }

    private RecordKeys Keys(byte number, int recordsPerKey = RecordKeys.RecordsPerKey) => Own(new RecordKeys(Secret(number), recordsPerKey));

    private SealedInput Input(byte number) => new(Keys(number));

    private T Own<T>(T one)
        where T : IDisposable
    {
        _owned.Add(one);
        return one;
    }
}

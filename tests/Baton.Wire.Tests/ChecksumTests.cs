namespace Baton.Wire.Tests;

public sealed class ChecksumTests
{
    private delegate ulong BlockSum(ref ReadOnlySpan<byte> bytes);

    [Fact]
    public void The_sum_equals_the_scalar_reference_at_all_lengths_and_alignments() => Seeds.Run(1, random =>
    {
        var buffer = random.Bytes(1024 + 64);
        for (int length = 0; length <= 1024; length++)
        {
            for (int start = 0; start < 64; start++)
            {
                var bytes = buffer.AsSpan(start, length);
                Assert.Equal(Scalar(bytes), Checksum.Fold(Checksum.Add(bytes)));
            }
        }
    });

    [Fact]
    public void The_sum_of_64_KiB_of_the_largest_words_does_not_overflow()
    {
        var bytes = new byte[65536];
        bytes.AsSpan().Fill(0xFF);

        Assert.Equal(Scalar(bytes), Checksum.Fold(Checksum.Add(bytes, uint.MaxValue)));
    }

    [Fact]
    public void Every_vector_width_gives_the_same_sum() => Seeds.Run(200, random =>
    {
        var bytes = random.Bytes(random.Next(64, 5000));
        ushort expected = Checksum.Fold(Checksum.Add(bytes));

        Assert.Equal(expected, Blocks(bytes, Checksum.Sum512));
        Assert.Equal(expected, Blocks(bytes, Checksum.Sum256));
        Assert.Equal(expected, Blocks(bytes, Checksum.Sum128));
    });

    [Fact]
    public void Parts_of_any_length_sum_to_the_whole() => Seeds.Run(500, random =>
    {
        var bytes = random.Bytes(random.Next(1, 3000));
        int at = 0;
        uint sum = 0;
        while (at < bytes.Length)
        {
            int length = random.Next(1, bytes.Length - at + 1);
            sum = Checksum.AddAt(bytes.AsSpan(at, length), at, sum);
            at += length;
        }

        Assert.Equal(Scalar(bytes), Checksum.Fold(sum));
    });

    [Fact]
    public void A_running_sum_never_loses_its_carry() => Seeds.Run(200, random =>
    {
        var bytes = random.Bytes(2 * random.Next(1, 100));
        uint start = random.NextUInt() | 0xFFFF_0000;
        var whole = new byte[4 + bytes.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(whole, start);
        bytes.CopyTo(whole, 4);

        Assert.Equal(Scalar(whole), Checksum.Fold(Checksum.Add(bytes, start)));
    });

    [Fact]
    public void An_incremental_update_equals_the_sum_taken_anew() => Seeds.Run(500, random =>
    {
        var bytes = random.Bytes(40);
        ushort before = Checksum.Fold(Checksum.Add(bytes));
        ushort old = (ushort)(bytes[8] << 8 | bytes[9]);
        ushort value = random.NextUShort();
        (bytes[8], bytes[9]) = ((byte)(value >> 8), (byte)value);

        Assert.Equal(Checksum.Fold(Checksum.Add(bytes)), Checksum.Update(before, old, value));
    });

    private static ushort Blocks(byte[] bytes, BlockSum blocks)
    {
        ReadOnlySpan<byte> rest = bytes;
        ulong sum = blocks(ref rest);
        int done = bytes.Length - rest.Length;
        ushort folded = Checksum.Reduce(sum);
        uint bigEndian = BitConverter.IsLittleEndian ? (uint)(ushort)(folded << 8 | folded >> 8) : folded;
        return Checksum.Fold(Checksum.AddAt(rest, done, bigEndian));
    }

    /// <summary>RFC 1071 §4.1, word by word.</summary>
    private static ushort Scalar(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8 | (i + 1 < bytes.Length ? bytes[i + 1] : 0));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}

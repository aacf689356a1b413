using System.Buffers.Binary;

namespace Baton.Link.Tests;

public sealed class PcapngReaderTests
{
    [Fact]
    public void Either_byte_order_and_any_resolution_can_be_read_and_unknown_blocks_and_options_are_skipped()
    {
        var file = new File();
        file.Block(0x0A0D0D0A, 0x1A2B3C4D, 0x00010000, 0xFFFFFFFF, 0xFFFFFFFF);

        // Ethernet, no snap length; a comment; 2^-10 s; no end of options.
        file.Block(1, 0x00010000, 0, 0x00010004, 0x61626364, 0x00090001, 0x8A000000);
        file.Block(0x0BAD, 1, 2, 3);

        // Time 3 * 1024 + 512 units; 6 bytes of 60; a comment, then the flags (outbound).
        file.Block(6, 0, 0, 3584, 6, 60, 0x01020304, 0x05060000, 0x00010002, 0x68690000, 0x00020004, 2, 0);
        using var reader = new PcapngReader(new MemoryStream(file.Bytes));

        Assert.True(reader.TryRead(out var frame));
        Assert.Equal((0, 3_500_000_000, 60, CaptureDirection.Outbound), (frame.Interface, frame.TimeNanoseconds, frame.OriginalLength, frame.Direction));
        Assert.Equal([1, 2, 3, 4, 5, 6], frame.Data.ToArray());
        Assert.False(reader.TryRead(out _));
    }

    [Fact]
    public void A_file_cut_off_anywhere_ends_there()
    {
        var file = new File();
        file.Block(0x0A0D0D0A, 0x1A2B3C4D, 0x00010000, 0xFFFFFFFF, 0xFFFFFFFF);
        file.Block(1, 0x00010000, 0);
        file.Block(6, 0, 0, 0, 4, 4, 0x01020304);
        for (int length = 0; length < file.Bytes.Length; length++)
        {
            using var reader = new PcapngReader(new MemoryStream(file.Bytes[..length]));
            Assert.False(reader.TryRead(out _));
        }
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_and_never_read_beyond()
    {
        var file = new File();
        file.Block(0x0A0D0D0A, 0x1A2B3C4D, 0x00010000, 0xFFFFFFFF, 0xFFFFFFFF);
        file.Block(1, 0x00010000, 0, 0x00090001, 0x09000000);
        file.Block(6, 0, 0, 0, 4, 4, 0x01020304, 0x00020004, 2);
        file.Block(3, 60, 0x01020304);
        var random = new SeededRandom(5);
        for (int i = 0; i < 5_000; i++)
        {
            byte[] damaged = [.. file.Bytes];
            damaged[random.Next(damaged.Length)] = (byte)random.NextUInt64();
            using var reader = new PcapngReader(new MemoryStream(damaged));
            try
            {
                while (reader.TryRead(out _))
                {
                }
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    /// <summary>A big-endian file.</summary>
    private sealed class File
    {
        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public void Block(uint type, params uint[] body)
        {
            uint length = 12 + 4 * (uint)body.Length;
            Span<byte> bytes = stackalloc byte[4];
            foreach (uint word in (uint[])[type, length, .. body, length])
            {
                BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
                _bytes.AddRange(bytes);
            }
        }
    }
}

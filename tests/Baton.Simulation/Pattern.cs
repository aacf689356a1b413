using System.Buffers.Binary;

namespace Baton.Simulation;

/// <summary>A stream whose bytes are known by their offset, so that any loss, repetition or exchange shows.</summary>
public readonly record struct Pattern(ulong Key)
{
    private const int WordLength = sizeof(ulong);

    /// <summary>The byte at an offset.</summary>
    public byte this[long offset] => (byte)(Word(offset >> 3) >> (int)((offset & 7) * 8));

    /// <summary>Writes the stream from an offset on.</summary>
    public void Fill(Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty && (offset & 7) != 0)
        {
            destination[0] = this[offset++];
            destination = destination[1..];
        }

        for (; destination.Length >= WordLength; destination = destination[WordLength..], offset += WordLength)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, Word(offset >> 3));
        }

        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = this[offset + i];
        }
    }

    /// <summary>The first place where bytes differ from the stream at an offset, or -1.</summary>
    public int Mismatch(ReadOnlySpan<byte> bytes, long offset)
    {
        int i = 0;
        for (; i < bytes.Length && ((offset + i) & 7) != 0; i++)
        {
            if (bytes[i] != this[offset + i])
            {
                return i;
            }
        }

        while (bytes.Length - i >= WordLength && BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]) == Word((offset + i) >> 3))
        {
            i += WordLength;
        }

        for (; i < bytes.Length; i++)
        {
            if (bytes[i] != this[offset + i])
            {
                return i;
            }
        }

        return -1;
    }

    private ulong Word(long index)
    {
        ulong z = (Key ^ (ulong)index) * 0x9E37_79B9_7F4A_7C15;
        return z ^ (z >> 29);
    }
}

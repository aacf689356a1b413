namespace Baton.Simulation;

/// <summary>A stream whose bytes are known by their offset, so that any loss, repetition or exchange shows.</summary>
public readonly record struct Pattern(ulong Key)
{
    /// <summary>The byte at an offset.</summary>
    public byte this[long offset]
    {
        get
        {
            ulong z = (Key ^ (ulong)(offset >> 3)) * 0x9E37_79B9_7F4A_7C15;
            z ^= z >> 29;
            return (byte)(z >> (int)((offset & 7) * 8));
        }
    }

    /// <summary>Writes the stream from an offset on.</summary>
    public void Fill(Span<byte> destination, long offset)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = this[offset + i];
        }
    }

    /// <summary>The first place where bytes differ from the stream at an offset, or -1.</summary>
    public int Mismatch(ReadOnlySpan<byte> bytes, long offset)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != this[offset + i])
            {
                return i;
            }
        }

        return -1;
    }
}

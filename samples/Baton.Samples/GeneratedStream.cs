using System.Runtime.InteropServices;

namespace Baton.Samples;

/// <summary>
/// An endless byte stream that any node can continue at any position: word <c>i</c> is a keyed mix of the counter
/// <c>i</c> (SplitMix64's finaliser), eight bytes in little-endian order. The top bit of every byte is set, so that no
/// tool that looks at captured packets takes a part of it for text.
/// </summary>
public sealed class GeneratedStream(ulong key)
{
    private const ulong TopBits = 0x8080_8080_8080_8080;

    /// <summary>Writes the stream's bytes from <paramref name="position"/> on into <paramref name="destination"/>.</summary>
    public void Fill(ulong position, Span<byte> destination)
    {
        int skip = (int)(position % sizeof(ulong));
        ulong counter = position / sizeof(ulong);
        if (skip > 0)
        {
            Span<ulong> word = [Word(counter++)];
            var bytes = MemoryMarshal.AsBytes(word)[skip..];
            int taken = Math.Min(bytes.Length, destination.Length);
            bytes[..taken].CopyTo(destination);
            destination = destination[taken..];
        }

        var words = MemoryMarshal.Cast<byte, ulong>(destination);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = Word(counter++);
        }

        destination = destination[(words.Length * sizeof(ulong))..];
        if (destination.Length > 0)
        {
            Span<ulong> word = [Word(counter)];
            MemoryMarshal.AsBytes(word)[..destination.Length].CopyTo(destination);
        }
    }

    private ulong Word(ulong counter)
    {
        ulong z = key + counter * 0x9E37_79B9_7F4A_7C15;
        z = (z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ z >> 27) * 0x94D0_49BB_1331_11EB;
        return (z ^ z >> 31) | TopBits;
    }
}

using System.Buffers.Binary;

namespace Baton.Samples;

/// <summary>What the streamer needs to go on: which generated stream, from where, to where.</summary>
/// <param name="Key">The generator's key.</param>
/// <param name="Position">The next byte to send.</param>
/// <param name="End">The byte to stop before.</param>
public readonly record struct StreamContext(ulong Key, ulong Position, ulong End)
{
    private const byte Version = 1;
    private const int Length = 25;

    /// <summary>As the handoff carries it.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[Length];
        bytes[0] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(1), Key);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(9), Position);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(17), End);
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out StreamContext context)
    {
        context = default;
        if (bytes.Length != Length || bytes[0] != Version)
        {
            return false;
        }

        context = new(
            BinaryPrimitives.ReadUInt64BigEndian(bytes[1..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[9..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[17..]));
        return context.Position <= context.End;
    }
}

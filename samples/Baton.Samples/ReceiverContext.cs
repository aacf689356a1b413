using System.Buffers.Binary;

namespace Baton.Samples;

/// <summary>What the receiver needs to go on: the hash so far and how many bytes are still to come.</summary>
/// <param name="Hash">The hash over everything read so far.</param>
/// <param name="Remaining">Bytes still to be read.</param>
public sealed record ReceiverContext(Sha256State Hash, ulong Remaining)
{
    private const int Length = sizeof(ulong) + Sha256State.ExportedLength;

    /// <summary>As the handoff carries it.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Remaining);
        Hash.Export(bytes.AsSpan(sizeof(ulong)));
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote; null when it is something else.</summary>
    public static ReceiverContext? Decode(ReadOnlySpan<byte> bytes) =>
        bytes.Length == Length && Sha256State.TryImport(bytes[sizeof(ulong)..], out var hash)
            ? new(hash, BinaryPrimitives.ReadUInt64BigEndian(bytes))
            : null;
}

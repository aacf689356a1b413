namespace Baton.Bench;

/// <summary>
/// The endless stream that bulk transfers carry: random bytes that repeat after a prime number of them, so that a lost,
/// repeated or shifted segment never fits. A position in it is compared at the speed of memory.
/// </summary>
internal static class Pattern
{
    /// <summary>Bytes that are written or compared at once, at most.</summary>
    public const int MaxChunk = 256 << 10;

    private const int Period = 65_521;
    private static readonly byte[] s_bytes = Make();

    /// <summary>The bytes from a position of the stream on; stands still in memory.</summary>
    public static ReadOnlySpan<byte> At(long position, int length = MaxChunk) => s_bytes.AsSpan((int)(position % Period), length);

    /// <inheritdoc cref="At"/>
    public static ReadOnlyMemory<byte> MemoryAt(long position, int length = MaxChunk) => s_bytes.AsMemory((int)(position % Period), length);

    /// <summary>Whether <paramref name="bytes"/> are those at a position.</summary>
    public static bool Matches(long position, ReadOnlySpan<byte> bytes) => bytes.SequenceEqual(At(position, bytes.Length));

    private static byte[] Make()
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Period + MaxChunk, pinned: true);
        new Random(1).NextBytes(bytes.AsSpan(0, Period));
        for (int i = Period; i < bytes.Length; i++)
        {
            bytes[i] = bytes[i - Period];
        }

        return bytes;
    }
}

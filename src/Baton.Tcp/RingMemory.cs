using System.Buffers;

namespace Baton.Tcp;

/// <summary>
/// Where rings get their memory. Those of the smallest size, which most connections have while they are served and only then,
/// have a pool of their own: the shared one keeps a few dozen of a size, and thousands are in use at once.
/// </summary>
internal static class RingMemory
{
    /// <summary>Most of the smallest that are kept, 2 MiB.</summary>
    private const int MaxFree = 1024;

    private static readonly ArrayPool<byte> s_smallest = ArrayPool<byte>.Create(ByteRing.MinCapacity, MaxFree);

    /// <summary>Gives <paramref name="capacity"/> bytes, a power of two, or twice as many and so on; their content is arbitrary.</summary>
    public static byte[] Rent(int capacity) => Pool(capacity).Rent(capacity);

    /// <summary>Takes back what was given.</summary>
    public static void Return(byte[] memory) => Pool(memory.Length).Return(memory);

    private static ArrayPool<byte> Pool(int capacity) => capacity <= ByteRing.MinCapacity ? s_smallest : ArrayPool<byte>.Shared;
}

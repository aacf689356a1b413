namespace Baton.Stack;

/// <summary>
/// The buffers of packets that have to wait: in two sizes, one for ordinary packets and one for super-segments. Each
/// buffer has one owner, who returns it once; <see cref="Outstanding"/> is 0 when nothing waits.
/// </summary>
internal sealed class PacketPool
{
    /// <summary>Room for a packet of Ethernet's MTU behind its link header.</summary>
    public const int SmallSize = 2_048;

    /// <summary>Room for the longest IP packet behind its link header.</summary>
    public const int LargeSize = 65_536 + 64;

    private const int SmallKept = 4_096;
    private const int LargeKept = 64;

    private readonly Stack<byte[]> _small = new();
    private readonly Stack<byte[]> _large = new();

    /// <summary>Buffers given out and not returned yet.</summary>
    public int Outstanding { get; private set; }

    /// <summary>A buffer of at least <paramref name="length"/> bytes, contents undefined.</summary>
    public byte[] Rent(int length)
    {
        Outstanding++;
        var (kept, size) = length <= SmallSize ? (_small, SmallSize) : (_large, LargeSize);
        return kept.TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Math.Max(length, size));
    }

    /// <summary>Gives a buffer back; its owner forgets it.</summary>
    public void Return(byte[] buffer)
    {
        Outstanding--;
        if (buffer.Length == SmallSize)
        {
            Keep(_small, buffer, SmallKept);
        }
        else if (buffer.Length == LargeSize)
        {
            Keep(_large, buffer, LargeKept);
        }
    }

    private static void Keep(Stack<byte[]> kept, byte[] buffer, int limit)
    {
        if (kept.Count < limit)
        {
            kept.Push(buffer);
        }
    }
}

namespace Baton.Scenarios.Run;

/// <summary>The bytes of every stream and datagram, by position, so that each byte that arrives can be told from its neighbours.</summary>
internal static class StreamPattern
{
    public static byte At(long position) => (byte)((ulong)position * 0x9E37_79B9_7F4A_7C15 >> 56);

    public static byte[] Bytes(long position, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = At(position + i);
        }

        return bytes;
    }

    /// <summary>The index of the first byte that is not the pattern's, or -1.</summary>
    public static int FirstDifference(ReadOnlySpan<byte> bytes, long position)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != At(position + i))
            {
                return i;
            }
        }

        return -1;
    }
}

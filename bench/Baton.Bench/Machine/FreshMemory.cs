using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Baton.Bench.Machine;

/// <summary>
/// How long the kernel takes to copy into memory that it has just allocated for a socket. A virtual machine's host may
/// have taken free memory back (the balloon's free page reporting): then the first touch of each page waits for the host,
/// ten microseconds where the copy takes less than one, and a transfer measures nothing but that.
/// </summary>
internal static unsafe class FreshMemory
{
    /// <summary>Microseconds for a chunk beyond which the machine's free memory is not all there; 5 to 15 are usual.</summary>
    public const double ChunkLimit = 50;

    private const int ChunkLength = 64 << 10;
    private const int Chunks = 48;

    /// <summary>Mean microseconds to send 64 KiB into a local socket, the slower of the two cores' figures.</summary>
    public static double Measure() => Math.Max(MeasureOn(Cores.Server), MeasureOn(Cores.Client));

    private static double MeasureOn(int core) => Cores.RunOn(core, "fresh memory", () =>
    {
        int* pair = stackalloc int[2];
        if (Libc.SocketPair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, pair) != 0)
        {
            throw new Win32Exception(Libc.LastError, "socketpair");
        }

        // Room for all chunks, so that each is in memory of its own; what they occupy counts twice.
        int room = 2 * Chunks * ChunkLength;
        _ = Libc.SetOption(pair[0], Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, &room, sizeof(int));
        byte* chunk = (byte*)NativeMemory.AllocZeroed(ChunkLength);
        long start = Stopwatch.GetTimestamp();
        int sent = 0;
        while (sent < Chunks && Libc.Send(pair[0], chunk, ChunkLength, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL) > 0)
        {
            sent++;
        }

        double microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds / Math.Max(1, sent);
        for (; sent > 0; sent--)
        {
            _ = Libc.Receive(pair[1], chunk, ChunkLength, 0);
        }

        NativeMemory.Free(chunk);
        _ = Libc.Close(pair[0]);
        _ = Libc.Close(pair[1]);
        return microseconds;
    }).GetAwaiter().GetResult();
}

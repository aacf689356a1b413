using System.ComponentModel;
using System.Runtime.InteropServices;
using Baton.Bench.Machine;

namespace Baton.Bench.Moves;

/// <summary>What the kernel tells of a connection under TCP_REPAIR; the queues follow it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RepairImage
{
    public SocketAddress Local, Remote;

    /// <summary>The sequence numbers after both queues.</summary>
    public uint SendEnd, ReceiveEnd;

    public uint Mss, Timestamp;
    public RepairWindow Window;
    public int SendQueue, Unsent, ReceiveQueue;
    public byte Options, SendScale, ReceiveScale, Reserved;
}

/// <summary>struct tcp_repair_window.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RepairWindow
{
    public uint LastUpdate, SendWindow, MaxWindow, ReceiveWindow, LastAcknowledged;
}

/// <summary>Takes a connection out of the kernel, and puts it into another one (TCP_REPAIR, linux/tcp.h).</summary>
internal static unsafe class RepairedSocket
{
    /// <summary>Longest image: both queues at their longest.</summary>
    public const int MaxLength = 2 * (1 << 20);

    private const int TCP_MAXSEG = 2, TCP_INFO = 11, TCP_REPAIR = 19, TCP_REPAIR_QUEUE = 20, TCP_QUEUE_SEQ = 21;
    private const int TCP_REPAIR_OPTIONS = 22, TCP_TIMESTAMP = 24, TCP_REPAIR_WINDOW = 29;
    private const int Off = 0, On = 1, ReceiveQueue = 1, SendQueue = 2;
    private const int SIOCINQ = 0x541B, SIOCOUTQ = 0x5411, SIOCOUTQNSD = 0x894B;
    private const int HasTimestamps = 1, HasSack = 2, HasScale = 4;
    private const int Chunk = 60 << 10;

    /// <summary>Writes the image of a connection; from then on the kernel does nothing by itself for it, and it can be closed in silence.</summary>
    public static int Dump(int descriptor, Span<byte> buffer)
    {
        Set(descriptor, TCP_REPAIR, On);
        var image = default(RepairImage);
        uint length = (uint)sizeof(SocketAddress);
        Check(Libc.GetLocal(descriptor, &image.Local, &length), "getsockname");
        Check(Libc.GetRemote(descriptor, &image.Remote, &length), "getpeername");
        byte* info = stackalloc byte[8];
        Get(descriptor, TCP_INFO, info, 8);
        image.Options = info[5];
        image.SendScale = (byte)(info[6] & 15);
        image.ReceiveScale = (byte)(info[6] >> 4);
        Get(descriptor, TCP_MAXSEG, &image.Mss, sizeof(uint));
        Get(descriptor, TCP_TIMESTAMP, &image.Timestamp, sizeof(uint));
        Get(descriptor, TCP_REPAIR_WINDOW, &image.Window, (uint)sizeof(RepairWindow));
        Check(Libc.Control(descriptor, SIOCINQ, &image.ReceiveQueue), "SIOCINQ");
        Check(Libc.Control(descriptor, SIOCOUTQ, &image.SendQueue), "SIOCOUTQ");
        Check(Libc.Control(descriptor, SIOCOUTQNSD, &image.Unsent), "SIOCOUTQNSD");
        int at = sizeof(RepairImage);
        Set(descriptor, TCP_REPAIR_QUEUE, SendQueue);
        Get(descriptor, TCP_QUEUE_SEQ, &image.SendEnd, sizeof(uint));
        at += Peek(descriptor, buffer.Slice(at, image.SendQueue));
        Set(descriptor, TCP_REPAIR_QUEUE, ReceiveQueue);
        Get(descriptor, TCP_QUEUE_SEQ, &image.ReceiveEnd, sizeof(uint));
        at += Peek(descriptor, buffer.Slice(at, image.ReceiveQueue));
        MemoryMarshal.Write(buffer, image);
        return at;
    }

    /// <summary>Makes the connection of an image, in the calling process's namespace as <paramref name="open"/> opens it.</summary>
    public static int Restore(ReadOnlySpan<byte> bytes, Func<int> open)
    {
        var image = MemoryMarshal.Read<RepairImage>(bytes);
        var sent = bytes.Slice(sizeof(RepairImage), image.SendQueue - image.Unsent);
        var unsent = bytes.Slice(sizeof(RepairImage) + sent.Length, image.Unsent);
        var received = bytes.Slice(sizeof(RepairImage) + image.SendQueue, image.ReceiveQueue);
        int descriptor = open();
        Set(descriptor, TCP_REPAIR, On);
        Set(descriptor, TCP_REPAIR_QUEUE, SendQueue);
        Set(descriptor, TCP_QUEUE_SEQ, (int)(image.SendEnd - (uint)image.SendQueue));
        Set(descriptor, TCP_REPAIR_QUEUE, ReceiveQueue);
        Set(descriptor, TCP_QUEUE_SEQ, (int)(image.ReceiveEnd - (uint)image.ReceiveQueue));
        Check(Libc.Bind(descriptor, &image.Local, (uint)sizeof(SocketAddress)), "bind");
        Check(Libc.Connect(descriptor, &image.Remote, (uint)sizeof(SocketAddress)), "connect");
        uint* options = stackalloc uint[8];
        uint count = 0;
        Option(options, ref count, 2, image.Mss);
        if ((image.Options & HasScale) != 0)
        {
            Option(options, ref count, 3, image.SendScale | (uint)image.ReceiveScale << 16);
        }

        if ((image.Options & HasSack) != 0)
        {
            Option(options, ref count, 4, 0);
        }

        if ((image.Options & HasTimestamps) != 0)
        {
            Option(options, ref count, 8, 0);
        }

        Check(Libc.SetOption(descriptor, Libc.IPPROTO_TCP, TCP_REPAIR_OPTIONS, options, count * sizeof(uint)), "TCP_REPAIR_OPTIONS");
        Set(descriptor, TCP_TIMESTAMP, (int)image.Timestamp);
        Write(descriptor, received);
        Set(descriptor, TCP_REPAIR_QUEUE, SendQueue);
        Write(descriptor, sent);
        var window = image.Window;
        Check(Libc.SetOption(descriptor, Libc.IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, (uint)sizeof(RepairWindow)), "TCP_REPAIR_WINDOW");
        Set(descriptor, TCP_REPAIR, Off);
        Write(descriptor, unsent);
        return descriptor;
    }

    /// <summary>A socket that takes whatever an image brings. Opened in the calling thread's namespace.</summary>
    public static int Open()
    {
        int descriptor = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        Check(descriptor, "socket");
        GiveRoom(descriptor);
        return descriptor;
    }

    /// <summary>Bytes that have come and were not read.</summary>
    public static int Readable(int descriptor) => Ask(descriptor, SIOCINQ);

    /// <summary>Bytes that were written and are not acknowledged.</summary>
    public static int Unsent(int descriptor) => Ask(descriptor, SIOCOUTQ);

    /// <summary>Gives a socket buffers that hold the longest queues.</summary>
    public static void GiveRoom(int descriptor)
    {
        int room = MaxLength / 2, one = 1;
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, &room, sizeof(int)), "SO_SNDBUFFORCE");
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, &room, sizeof(int)), "SO_RCVBUFFORCE");
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, &one, sizeof(int)), "SO_REUSEADDR");
        Check(Libc.SetOption(descriptor, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &one, sizeof(int)), "TCP_NODELAY");
    }

    private static int Ask(int descriptor, int what)
    {
        int bytes;
        Check(Libc.Control(descriptor, (nuint)what, &bytes), "ioctl");
        return bytes;
    }

    private static void Option(uint* options, ref uint count, uint code, uint value)
    {
        options[count++] = code;
        options[count++] = value;
    }

    private static int Peek(int descriptor, Span<byte> queue)
    {
        if (!queue.IsEmpty && new KernelSocket(descriptor).Receive(queue, Libc.MSG_PEEK | Libc.MSG_DONTWAIT) != queue.Length)
        {
            throw new BenchException($"a queue of {queue.Length} bytes cannot be read whole");
        }

        return queue.Length;
    }

    private static void Write(int descriptor, ReadOnlySpan<byte> queue)
    {
        while (!queue.IsEmpty)
        {
            int sent = new KernelSocket(descriptor).Send(queue[..Math.Min(queue.Length, Chunk)]);
            Check(sent, "send");
            queue = queue[sent..];
        }
    }

    private static void Set(int descriptor, int name, int value) =>
        Check(Libc.SetOption(descriptor, Libc.IPPROTO_TCP, name, &value, sizeof(int)), $"TCP option {name}");

    private static void Get(int descriptor, int name, void* value, uint length) =>
        Check(Libc.GetOption(descriptor, Libc.IPPROTO_TCP, name, value, &length), $"TCP option {name}");

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new Win32Exception(Libc.LastError, $"{call}: {Marshal.GetPInvokeErrorMessage(Libc.LastError)}");
        }
    }
}

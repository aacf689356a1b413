using System.Runtime.InteropServices;

namespace Baton.Bench.Machine;

/// <summary>
/// The kernel's socket calls as they are, so that its side is measured without a layer above it. Every structure is laid
/// out as the 64-bit Linux ABI has it; every pointer is to pinned or stack memory that outlives the call, and no call
/// keeps one.
/// </summary>
internal static unsafe partial class Libc
{
    public const int AF_UNIX = 1, AF_INET = 2, AF_NETLINK = 16, SOCK_STREAM = 1, SOCK_RAW = 3, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    public const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_RCVBUF = 8, SO_LINGER = 13, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, IPPROTO_TCP = 6, TCP_NODELAY = 1, TCP_CONGESTION = 13;
    public const int MSG_PEEK = 2, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, SHUT_WR = 1;
    public const int EINTR = 4, EAGAIN = 11, EINPROGRESS = 115, F_SETFL = 4;
    public const int EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1;
    public const int SCHED_OTHER = 0;
    public const int SCHED_FIFO = 1;
    public const uint EPOLLIN = 1;
    public const short POLLIN = 1, POLLOUT = 4;
    private const string C = "libc";

    public static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport(C, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport(C, EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int domain, int type, int protocol, int* descriptors);

    [LibraryImport(C, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int descriptor, int level, int name, void* value, uint length);

    [LibraryImport(C, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetOption(int descriptor, int level, int name, void* value, uint* length);

    /// <summary>ioctl with a command that gives one number.</summary>
    [LibraryImport(C, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int descriptor, nuint command, int* value);

    [LibraryImport(C, EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetLocal(int descriptor, SocketAddress* address, uint* length);

    [LibraryImport(C, EntryPoint = "getpeername", SetLastError = true)]
    public static partial int GetRemote(int descriptor, SocketAddress* address, uint* length);

    [LibraryImport(C, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int descriptor, SocketAddress* address, uint length);

    [LibraryImport(C, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int descriptor, int backlog);

    [LibraryImport(C, EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int descriptor, SocketAddress* address, uint length);

    [LibraryImport(C, EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int descriptor, void* address, uint* length, int flags);

    /// <summary>fcntl with a command that takes a number.</summary>
    [LibraryImport(C, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int SetFlags(int descriptor, int command, int flags);

    [LibraryImport(C, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(C, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(C, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int descriptor, int how);

    [LibraryImport(C, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(C, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(C, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(int epoll, int operation, int descriptor, EpollEvent* wanted);

    [LibraryImport(C, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(int epoll, EpollEvent* events, int limit, int milliseconds);

    [LibraryImport(C, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollRequest* requests, ulong count, int milliseconds);

    /// <summary>Fails for a process that leads a group, and leaves it where it is.</summary>
    [LibraryImport(C, EntryPoint = "setsid", SetLastError = true)]
    public static partial int SetSession();

    /// <summary>Process 0 is the calling thread; the parameter is struct sched_param, one int.</summary>
    [LibraryImport(C, EntryPoint = "sched_setscheduler", SetLastError = true)]
    public static partial int SetScheduler(int process, int policy, int* priority);

    /// <summary>Process 0 is the calling thread.</summary>
    [LibraryImport(C, EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SetAffinity(int process, nuint length, ulong* mask);
}

/// <summary>struct sockaddr_in; port and address in network order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SocketAddress
{
    public ushort Family;
    public ushort Port;
    public uint Address;
    public ulong Zero;
}

/// <summary>struct epoll_event, which is packed on x86-64 only.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct EpollEvent
{
    public uint Events;
    public ulong Data;
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollRequest
{
    public int Descriptor;
    public short Wanted;
    public short Returned;
}

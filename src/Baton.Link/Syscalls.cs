using System.Runtime.InteropServices;

namespace Baton.Link;

/// <summary>
/// The system calls of this project, all of them. Rules that make them safe: every structure is blittable and laid out
/// as the 64-bit Linux ABI has it; every pointer is to stack, pinned or native memory that outlives the call; none of
/// these calls keeps a pointer after it returned; lengths are those of the memory pointed to. None suppresses the
/// GC transition, so that a blocking call never holds up a collection. Errors come back as -1 with errno kept for
/// <see cref="LastError"/>.
/// </summary>
internal static unsafe partial class Syscalls
{
    public const int EINTR = 4, ENXIO = 6, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EBUSY = 16, ENODEV = 19, EINVAL = 22, ENOBUFS = 105;
    public const int EPERM = 1, ENOENT = 2, EIO = 5, EEXIST = 17, ERANGE = 34, ENOSYS = 38, EOPNOTSUPP = 95, ENETDOWN = 100, ENOPROTOOPT = 92, EAFNOSUPPORT = 97;
    public const int MSG_DONTWAIT = 0x40;
    public const int O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    public const int CLONE_NEWNET = 0x40000000;
    public const int PR_SET_TIMERSLACK = 29;
    public const int PRIO_PROCESS = 0;
    public const short POLLIN = 1, POLLOUT = 4, POLLERR = 8;
    private const string C = "libc";

    /// <summary>errno of the last call on this thread.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>The system's words for <paramref name="error"/>.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>The path is marshalled to a zero-terminated copy for the length of the call.</summary>
    [LibraryImport(C, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(C, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    /// <summary>Writes at most <paramref name="length"/> bytes to <paramref name="buffer"/>, which the caller has pinned.</summary>
    [LibraryImport(C, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, void* buffer, nuint length);

    [LibraryImport(C, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* buffer, nuint length);

    /// <summary>Vectors and what they point to are only read; the caller has pinned them.</summary>
    [LibraryImport(C, EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteVector(int descriptor, IoVector* vectors, int count);

    /// <summary>
    /// The kernel reads or writes what the request number says: an int for TUNSETVNETHDRSZ, the value itself for
    /// TUNSETOFFLOAD, an ifreq of 40 bytes for all others used here (<see cref="InterfaceRequest"/>).
    /// </summary>
    [LibraryImport(C, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(int descriptor, nuint request, void* argument);

    [LibraryImport(C, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    /// <summary>Changes the calling thread only: called on threads that end afterwards, never on one of the pool.</summary>
    [LibraryImport(C, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(int descriptor, int kind);

    [LibraryImport(C, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    /// <summary>The kernel writes <see cref="PollRequest.Returned"/> of each of the <paramref name="count"/> requests.</summary>
    [LibraryImport(C, EntryPoint = "ppoll", SetLastError = true)]
    public static partial int Poll(PollRequest* requests, nuint count, TimeSpecification* timeout, void* signalMask);

    /// <summary>The value is only read.</summary>
    [LibraryImport(C, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSocketOption(int descriptor, int level, int option, void* value, uint length);

    /// <summary>Writes at most <paramref name="length"/> bytes, and then how many they are.</summary>
    [LibraryImport(C, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(int descriptor, int level, int option, void* value, uint* length);

    [LibraryImport(C, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int descriptor, void* address, uint length);

    [LibraryImport(C, EntryPoint = "sendto", SetLastError = true)]
    public static partial nint SendTo(int descriptor, void* buffer, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport(C, EntryPoint = "recvfrom", SetLastError = true)]
    public static partial nint ReceiveFrom(int descriptor, void* buffer, nuint length, int flags, void* address, uint* addressLength);

    /// <summary>Returns -1 as an address for an error. What is mapped is the caller's to unmap, once.</summary>
    [LibraryImport(C, EntryPoint = "mmap", SetLastError = true)]
    public static partial void* MapMemory(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport(C, EntryPoint = "munmap", SetLastError = true)]
    public static partial int UnmapMemory(void* address, nuint length);

    /// <summary>Fills what the messages' vectors name, and writes into the messages how much it was.</summary>
    [LibraryImport(C, EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMessages(int descriptor, MessageHeader* messages, uint count, int flags, TimeSpecification* timeout);

    /// <summary>What the messages' vectors name is only read.</summary>
    [LibraryImport(C, EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMessages(int descriptor, MessageHeader* messages, uint count, int flags);

    /// <summary>For bpf(2), which the C library has no function for: <see cref="Bpf.BpfCalls"/> says what the arguments are.</summary>
    [LibraryImport(C, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Call(nint number, nint first, nint second, nint third);

    /// <summary>Of a process's identifier 0 the calling thread alone (setpriority(2), C library/kernel differences).</summary>
    [LibraryImport(C, EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int identifier, int nice);

    [LibraryImport(C, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public void* Base;
    public nuint Length;
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollRequest
{
    public int Descriptor;
    public short Wanted;
    public short Returned;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpecification
{
    public long Seconds;
    public long Nanoseconds;
}

using Baton.Wire;

namespace Baton.Link;

/// <summary>Sets up the kernel's side of an interface in the calling thread's network namespace.</summary>
internal sealed unsafe class KernelInterface : IDisposable
{
    private const int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000;
    public const nuint SIOCGIFFLAGS = 0x8913;
    private const nuint SIOCSIFFLAGS = 0x8914, SIOCGIFMTU = 0x8921, SIOCSIFMTU = 0x8922, SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933;
    private const int AF_NETLINK = 16, SOCK_RAW = 3, NETLINK_ROUTE = 0, NetlinkHeaderLength = 16, NLMSG_ERROR = 2;
    private const short IFF_UP = 1;

    private readonly string _name;
    private readonly int _socket;

    /// <summary>Opens a socket to ask by; the interface has to exist.</summary>
    public KernelInterface(string name)
    {
        _name = name;
        _socket = Syscalls.Socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        Check(_socket, "A socket to set it up by could not be opened");
    }

    /// <summary>The kernel's own address on it.</summary>
    public MacAddress Address
    {
        get
        {
            var request = InterfaceRequest.For(_name);
            Check(Syscalls.IoControl(_socket, SIOCGIFHWADDR, &request), "Its address could not be read");
            return request.HardwareAddress;
        }
    }

    /// <summary>Its number in this network namespace.</summary>
    public int Index
    {
        get
        {
            var request = InterfaceRequest.For(_name);
            Check(Syscalls.IoControl(_socket, SIOCGIFINDEX, &request), "It could not be found");
            return request.Value;
        }
    }

    /// <summary>Largest IP packet in bytes.</summary>
    public int Mtu
    {
        get
        {
            var request = InterfaceRequest.For(_name);
            Check(Syscalls.IoControl(_socket, SIOCGIFMTU, &request), "Its MTU could not be read");
            return request.Value;
        }
    }

    public void SetMtu(int mtu)
    {
        var request = InterfaceRequest.For(_name);
        request.Value = mtu;
        Check(Syscalls.IoControl(_socket, SIOCSIFMTU, &request), $"Its MTU could not be set to {mtu}");
    }

    public void SetQueueLength(int frames)
    {
        string problem = $"Its queue could not be set to {frames} frames";
        int index = Index;
        int netlink = Syscalls.Socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        Check(netlink, problem);
        try
        {
            var message = QueueLengthRequest.For(index, frames);
            Check((int)Syscalls.Write(netlink, &message, (nuint)sizeof(QueueLengthRequest)), problem);
            Acknowledged(netlink, problem);
        }
        finally
        {
            _ = Syscalls.Close(netlink);
        }
    }

    /// <summary>
    /// Keeps the kernel from speaking IPv6 on it. Where the setting is missing or read-only it goes on: the few packets
    /// of the kernel's are ignored by any stack.
    /// </summary>
    public void SilenceIpv6()
    {
        try
        {
            File.WriteAllText($"/proc/sys/net/ipv6/conf/{_name}/disable_ipv6", "1");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    public void BringUp()
    {
        var request = InterfaceRequest.For(_name);
        Check(Syscalls.IoControl(_socket, SIOCGIFFLAGS, &request), "Its state could not be read");
        request.Flags |= IFF_UP;
        Check(Syscalls.IoControl(_socket, SIOCSIFFLAGS, &request), "It could not be brought up");
    }

    public void Dispose() => _ = Syscalls.Close(_socket);

    /// <summary>The kernel answers each request with an error message, of which 0 is the good one.</summary>
    private void Acknowledged(int netlink, string problem)
    {
        const int bufferLength = 1024;
        byte* answer = stackalloc byte[bufferLength];
        nint length = Syscalls.Read(netlink, answer, bufferLength);
        Check((int)length, problem);
        if (length >= NetlinkHeaderLength + sizeof(int) && *(ushort*)(answer + sizeof(uint)) == NLMSG_ERROR)
        {
            int error = -*(int*)(answer + NetlinkHeaderLength);
            if (error != 0)
            {
                throw Failed(problem, error);
            }
        }
    }

    private void Check(int result, string problem)
    {
        if (result < 0)
        {
            throw Failed(problem, Syscalls.LastError);
        }
    }

    private LinkException Failed(string problem, int error) =>
        new($"Interface {_name}: {char.ToLowerInvariant(problem[0])}{problem[1..]}: {Syscalls.Describe(error)}.",
            error == Syscalls.EPERM ? "run as root, or inside `unshare -Urnm`" : "", error);
}

using System.Runtime.InteropServices;
using System.Text;

namespace Baton.Link;

/// <summary>How many queues an interface receives by (ethtool's channels).</summary>
internal static unsafe class ReceiveQueues
{
    private const int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000;
    private const nuint SIOCETHTOOL = 0x8946;
    private const uint ETHTOOL_GCHANNELS = 0x3C;

    /// <summary>The queues in use; 1 where the driver does not say.</summary>
    public static int Count(string name)
    {
        int socket = Syscalls.Socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            return 1;
        }

        var channels = new Channels { Command = ETHTOOL_GCHANNELS };
        var request = new Request { Data = &channels };
        Encoding.ASCII.GetBytes(name.AsSpan(0, Math.Min(name.Length, InterfaceRequest.NameLimit)), new Span<byte>(request.Name, InterfaceRequest.NameLimit));
        int done = Syscalls.IoControl(socket, SIOCETHTOOL, &request);
        _ = Syscalls.Close(socket);
        return done < 0 ? 1 : (int)Math.Max(1, channels.Receive + channels.Combined);
    }

    /// <summary>struct ifreq with a pointer.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Request
    {
        public fixed byte Name[16];
        public void* Data;
    }

    /// <summary>struct ethtool_channels.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Channels
    {
        public uint Command;
        public uint MaxReceive, MaxSend, MaxOther, MaxCombined;
        public uint Receive, Send, Other, Combined;
    }
}

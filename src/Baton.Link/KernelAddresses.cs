using System.Net.NetworkInformation;
using Baton.Wire;

namespace Baton.Link;

/// <summary>What the kernel of the calling thread's network namespace calls its own.</summary>
internal static class KernelAddresses
{
    /// <summary>Refuses addresses that the kernel owns: it would answer the clients' segments with RST.</summary>
    /// <exception cref="LinkException">It owns one; the message names the command that takes it away.</exception>
    public static void Refuse(IReadOnlyList<InetAddress> addresses)
    {
        foreach (var device in NetworkInterface.GetAllNetworkInterfaces())
        {
            foreach (var owned in device.GetIPProperties().UnicastAddresses)
            {
                var address = InetAddress.FromIPAddress(owned.Address);
                if (addresses.Contains(address))
                {
                    throw new LinkException(
                        $"The kernel owns {address}, on its interface {device.Name}: it would reset the farm's connections.",
                        $"ip address delete {address}/{owned.PrefixLength} dev {device.Name}");
                }
            }
        }
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Baton.Link.Tests;

/// <summary>A network namespace of the test's own, gone with it.</summary>
internal sealed class TestNamespace : IDisposable
{
    public const string RootOnly = "making network namespaces takes root";

    private static int s_number;

    public TestNamespace()
    {
        Name = $"baton-link-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}";
        Ip("netns", "add", Name);
    }

    public string Name { get; }

    public static bool IsRoot => Environment.IsPrivilegedProcess;

    /// <summary>Gives the kernel's side of an interface an address.</summary>
    public void AddAddress(string device, string prefix) => Ip("-n", Name, "address", "add", prefix, "dev", device);

    /// <summary>Two interfaces joined by a cable, both up, IPv6 silent.</summary>
    /// <param name="first">One end's name.</param>
    /// <param name="second">The other's.</param>
    /// <param name="other">The namespace of the second, when it is another.</param>
    /// <param name="queues">The queues of both ends, each way.</param>
    public void AddVethPair(string first, string second, TestNamespace? other = null, int queues = 1)
    {
        string[] several = ["numrxqueues", $"{queues}", "numtxqueues", $"{queues}"];
        string there = (other ?? this).Name;
        Ip(["-n", Name, "link", "add", first, .. several, "type", "veth", "peer", "name", second, .. several, "netns", there]);
        foreach (var (space, device) in ((string, string)[])[(Name, first), (there, second)])
        {
            NetworkNamespace.Run(space, () => File.WriteAllText($"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", "1"));
            Ip("-n", space, "link", "set", "dev", device, "up");
        }
    }

    public Socket Open(SocketType type, ProtocolType protocol) =>
        NetworkNamespace.Run(Name, () => new Socket(AddressFamily.InterNetwork, type, protocol) { ReceiveTimeout = 10_000, SendTimeout = 10_000 });

    /// <summary>A TCP listener of this namespace's kernel.</summary>
    public Socket Listen(string address, int port)
    {
        var listener = Open(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        listener.Listen();
        return listener;
    }

    public void Dispose() => Ip("netns", "delete", Name);

    /// <summary>Runs <c>ip</c>, which has to succeed.</summary>
    /// <returns>What it printed.</returns>
    public static string Ip(params string[] arguments) => Run("ip", arguments);

    /// <summary>Runs a program, which has to succeed.</summary>
    /// <returns>What it printed.</returns>
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error}");
        return output;
    }
}

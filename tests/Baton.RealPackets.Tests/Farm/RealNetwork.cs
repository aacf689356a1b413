using System.Diagnostics;
using System.Globalization;
using System.Text;
using Baton.Link;

[assembly: AssemblyFixture(typeof(Baton.RealPackets.Tests.RealNetwork))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Baton.RealPackets.Tests;

/// <summary>
/// The network of all tests, made once of namespaces: a client; a router in another, reached through two TAPs that a
/// relay joins; a switch with the bridges <c>front</c> and <c>lan</c>; and one for each node, whose two TAPs are bridged
/// to the switch (links of another kind are the ends of the cables to it). Names carry the process's number, and what a killed run left is removed by the next.
/// </summary>
public sealed class RealNetwork : IAsyncLifetime
{
    /// <summary>Why the tests are skipped when they are.</summary>
    public const string RootOnly = "making network namespaces takes root, or user namespaces: ./build test makes them where it can";

    internal const int FrontMtu = 1500;
    internal const int LanMtu = 1700;
    internal const string ClientAddress = "203.0.113.2";

    private const string NamePrefix = "baton-real-";
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-");

    /// <summary>Whether namespaces can be made.</summary>
    public static bool IsRoot => Environment.IsPrivilegedProcess;

    internal static IReadOnlyList<string> NodeNames { get; } = ["a", "b", "c"];

    internal string Client => _prefix + "client";

    internal string Router => _prefix + "router";

    internal string Switch => _prefix + "switch";

    private IEnumerable<string> All => [Client, Router, Switch, .. NodeNames.Select(NamespaceOf)];

    /// <summary>Makes the network.</summary>
    public ValueTask InitializeAsync()
    {
        if (IsRoot)
        {
            RemoveLeftovers();
            try
            {
                Make();
            }
            catch
            {
                RemoveAll();
                throw;
            }
        }

        return default;
    }

    /// <summary>Removes every namespace, and with them all that is in them.</summary>
    public ValueTask DisposeAsync()
    {
        if (IsRoot)
        {
            RemoveAll();
        }

        return default;
    }

    internal string NamespaceOf(string node) => _prefix + node;

    /// <summary>
    /// Lets one processor pass on every packet between the namespaces, until disposed. Otherwise each does so for those that
    /// were sent on it, when it gets to it: on a machine with much to do, what one node sent last arrives after what
    /// another sent later, which no cable does.
    /// </summary>
    internal IDisposable KeepOrder()
    {
        SteerPackets("1");
        return new Steering(this);
    }

    /// <summary>
    /// Whether a node's bridges forward to and from its TAPs: the kernel may take a second to notice that somebody has
    /// opened one, and drops what comes until then.
    /// </summary>
    public bool IsForwarding(string node) =>
        !Run(NamespaceOf(node), "bridge", "link").Contains("state disabled", StringComparison.Ordinal);

    /// <summary>Runs a program, in a namespace if one is named; it has to succeed.</summary>
    /// <returns>What it printed.</returns>
    internal static string Run(string? name, string file, params string[] arguments)
    {
        var (status, output, error) = TryRun(name, file, arguments);
        Assert.True(status == 0, $"{file} {string.Join(' ', arguments)}: {error}");
        return output;
    }

    /// <summary>Runs a program, in a namespace if one is named.</summary>
    internal static (int Status, string Output, string Error) TryRun(string? name, string file, params string[] arguments)
    {
        string[] command = name is null ? [file, .. arguments] : ["ip", "netns", "exec", name, file, .. arguments];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    private void SteerPackets(string processors)
    {
        foreach (string name in All)
        {
            Run(name, "sh", "-c", $"for queue in /sys/class/net/*/queues/rx-*; do echo {processors} > $queue/rps_cpus; done");
        }
    }

    private void Make()
    {
        Batch(null, All.Select(name => $"netns add {name}"));
        foreach (string name in All)
        {
            // No neighbour discovery of the kernel's in the captures.
            NetworkNamespace.Run(name, () =>
            {
                TryWrite("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
                TryWrite("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            });
        }

        Batch(Switch, SwitchCommands());
        foreach (string node in NodeNames)
        {
            Batch(NamespaceOf(node), NodeLinks.Kind == LinkKind.Tap ? TapCommands() : CableCommands(node));
        }

        if (NodeLinks.Kind == LinkKind.Xdp)
        {
            // XDP cannot see that a checksum is missing, and what a program sends by itself a cable takes where there is GRO.
            foreach (string port in NodeNames.SelectMany(node => (string[])[$"front-{node}", $"lan-{node}"]))
            {
                Run(Switch, "ethtool", "-K", port, "gro", "on", "tx", "off");
            }
        }

        Batch(Client,
        [
            "link set lo up",
            "tuntap add dev wan mode tap vnet_hdr",
            $"addr add {ClientAddress}/24 dev wan",
            $"link set wan mtu {FrontMtu} up",
            "route add default via 203.0.113.1",
        ]);
        Batch(Router,
        [
            "tuntap add dev wan mode tap vnet_hdr",
            "addr add 203.0.113.1/24 dev wan",
            $"link set wan mtu {FrontMtu} up",
            "addr add 198.51.100.1/24 dev front",
            "link set front up",
        ]);
        NetworkNamespace.Run(Router, () => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
    }

    private IEnumerable<string> SwitchCommands()
    {
        foreach (string bridge in (string[])["front", "lan"])
        {
            int mtu = Mtu(bridge);
            yield return $"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0";
            yield return $"link set {bridge} mtu {mtu} up";
            foreach (string node in NodeNames)
            {
                yield return $"link add {bridge}-{node} mtu {mtu} type veth peer name {bridge}{(NodeLinks.Kind == LinkKind.Tap ? "-port" : "")} mtu {mtu} netns {NamespaceOf(node)}";
                yield return $"link set {bridge}-{node} master {bridge} up";
            }
        }

        yield return $"link add front-router mtu {FrontMtu} type veth peer name front mtu {FrontMtu} netns {Router}";
        yield return "link set front-router master front up";
    }

    private static IEnumerable<string> CableCommands(string node)
    {
        foreach (string network in (string[])["front", "lan"])
        {
            // A packet socket has an Ethernet address besides the interface's.
            string address = NodeLinks.Kind == LinkKind.Xdp ? $" address {RealFarm.MacOf(network, node)}" : "";
            yield return $"link set {network}{address} up";
        }
    }

    private static IEnumerable<string> TapCommands()
    {
        foreach (string tap in (string[])["front", "lan"])
        {
            yield return $"link add {tap}-bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0";
            yield return $"link set {tap}-bridge mtu {Mtu(tap)} up";
            yield return $"tuntap add dev {tap} mode tap vnet_hdr";
            yield return $"link set {tap} mtu {Mtu(tap)} master {tap}-bridge up";
            yield return $"link set {tap}-port master {tap}-bridge up";
        }
    }

    internal static int Mtu(string network) => network == "lan" ? LanMtu : FrontMtu;

    private static void Batch(string? name, IEnumerable<string> commands)
    {
        string[] inside = name is null ? [] : ["-n", name];
        using var process = Process.Start(new ProcessStartInfo("ip", [.. inside, "-batch", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Write(commands.Aggregate(new StringBuilder(), (text, line) => text.Append(line).Append('\n')));
        process.StandardInput.Close();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"ip -batch in {name}: {error}");
    }

    private static void TryWrite(string path, string value)
    {
        if (File.Exists(path))
        {
            File.WriteAllText(path, value);
        }
    }

    private void RemoveAll()
    {
        foreach (string name in Existing().Where(name => name.StartsWith(_prefix, StringComparison.Ordinal)))
        {
            Remove(name);
        }
    }

    private static void RemoveLeftovers()
    {
        foreach (string name in Existing())
        {
            string[] parts = name.StartsWith(NamePrefix, StringComparison.Ordinal) ? name[NamePrefix.Length..].Split('-') : [];
            if (parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process) && !RunsTests(process))
            {
                Remove(name);
            }
        }
    }

    /// <summary>Whether a process of that number runs these tests: numbers are used again.</summary>
    private static bool RunsTests(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Contains(typeof(RealNetwork).Assembly.GetName().Name!, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Existing() =>
        TryRun(null, "ip", "netns", "list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]);

    /// <summary>Ends what still runs in the namespace, then removes it. Never fails: it is also the way out of a failure.</summary>
    private static void Remove(string name)
    {
        string[] running = TryRun(null, "ip", "netns", "pids", name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        if (running.Where(process => process != own).ToArray() is { Length: > 0 } others)
        {
            TryRun(null, "kill", ["-KILL", .. others]);
        }

        TryRun(null, "ip", "netns", "delete", name);
    }

    private sealed class Steering(RealNetwork network) : IDisposable
    {
        public void Dispose() => network.SteerPackets("0");
    }
}

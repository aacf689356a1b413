using System.Globalization;
using System.Runtime.InteropServices;
using Baton.Bench;
using Baton.Bench.Farm;
using Baton.Bench.Flood;
using Baton.Bench.Ingress;
using Baton.Bench.Machine;
using Baton.Bench.Memory;
using Baton.Bench.Moves;
using Baton.Bench.Nic;
using Baton.Bench.Paths;
using Baton.Bench.Web;
using Baton.Bench.Wire;

bool quick = args.Contains("--quick");
string? only = args.FirstOrDefault(argument => argument.StartsWith("--only=", StringComparison.Ordinal))?["--only=".Length..];
string link = args.FirstOrDefault(argument => argument.StartsWith("--link=", StringComparison.Ordinal))?["--link=".Length..] ?? "tap";
double minutes = args.FirstOrDefault(argument => argument.StartsWith("--minutes=", StringComparison.Ordinal)) is { } given
    ? double.Parse(given["--minutes=".Length..], CultureInfo.InvariantCulture)
    : quick ? 0.5 : 10;
string[] names = [.. args.Where(argument => !argument.StartsWith('-'))];
if (!Environment.IsPrivilegedProcess && names is not [])
{
    Console.Error.WriteLine("bench: network namespaces and TAP devices take root: run it with sudo, or inside a container that may.");
    return 2;
}

// The runtime ends at once on SIGTERM: this way the namespaces go with the process.
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, static _ => Environment.Exit(143));
try
{
    switch (names)
    {
        case ["tcp"]:
            return TcpBenchmark.Run(quick, only, link, minutes);
        case ["flood"]:
            return FloodBenchmark.Run(quick, only);
        case ["handoff"]:
            return await HandoffBenchmark.RunAsync(quick, args);
        case ["memory"]:
            return MemoryBenchmark.Run(quick);
        case ["path"]:
            return await PathBenchmark.RunAsync(quick, only);
        case ["nic"]:
            return only == "wire" ? WireBenchmark.Run(quick) : NicBenchmark.Run(quick);
        case ["kestrel"]:
            return await KestrelBenchmark.RunAsync(quick, only);
        case ["farm"]:
            return IngressBenchmark.Run(quick);
        case [IngressNode.Name, var node, var switchNamespace, var nodeNamespace]:
            return await IngressNode.RunAsync(node, switchNamespace, nodeNamespace);
        case [WebServer.Name, var kernelNamespace, var ownNamespace]:
            return await WebServer.RunAsync(kernelNamespace, ownNamespace);
        case [IdleNode.Name, var bridges, var idle]:
            return await IdleNode.RunAsync(bridges, idle);
        case [OwnMover.Name, var switchNamespace, var node]:
            return OwnMover.Run(switchNamespace, node, args.Contains(OwnMover.Sealed));
        case [KernelMover.Name, var own, var router, var node]:
            return KernelMover.Run(own, router, node == "0" ? 0 : 1);
        default:
            Console.WriteLine("usage: ./build bench NAME [--quick] [--only=FIGURE,…]");
            Console.WriteLine("  tcp       the own stack over TAP against the kernel over veth: bulk both ways, requests, connections, idle node;");
            Console.WriteLine("            --only=gc [--minutes=10]: how long collections stop it under load;");
            Console.WriteLine("            with --link=packet or --link=xdp over those, beside a kernel with the same offloads");
            Console.WriteLine("  flood     500,000 SYNs a second beside established connections and new clients; the kernel's cookies beside it");
            Console.WriteLine("  handoff   what a move takes, beside one by the kernel's TCP_REPAIR, and how long a client sees nothing new;");
            Console.WriteLine("            --sealed: the channel between the nodes is; --pictures=FOLDER: histograms; --only=moves");
            Console.WriteLine("  path      a long path with loss and a bloated one: the own stack and the kernel as senders through the same relay");
            Console.WriteLine("  memory    what idle connections occupy");
            Console.WriteLine("  nic       the NIC program's time for a packet, beside the least that forwarding takes;");
            Console.WriteLine("            --only=wire: real frames over cables, forwarded by the program, by XDP sockets and by a node");
            Console.WriteLine("  farm      HTTP by way of a node in NIC mode, against the same without it, and HAProxy and nginx; needs them and wrk");
            Console.WriteLine("  kestrel   ASP.NET Core on the farm against ASP.NET Core on sockets; needs wrk");
            return 2;
    }
}
catch (BenchException e)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
#pragma warning disable CA1031 // Caught so that everything that was made is removed on the way here.
catch (Exception e)
#pragma warning restore CA1031
{
    Console.Error.WriteLine($"bench: {e}");
    return 1;
}

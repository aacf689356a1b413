using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Wire;

namespace Baton.Bench.Ingress;

/// <summary>A node of the farm: a process of its own.</summary>
internal sealed class IngressNode : IDisposable
{
    /// <summary>The word that starts this program as a node.</summary>
    public const string Name = "ingress-node";

    private readonly Process _process;

    private IngressNode(Process process) => _process = process;

    /// <summary>The process.</summary>
    public int Id => _process.Id;

    /// <summary>Starts a node and waits until it answers.</summary>
    /// <param name="node">Its name.</param>
    /// <param name="switchNamespace">Where the front's bridge is.</param>
    /// <param name="nodeNamespace">Where its interfaces are.</param>
    /// <param name="core">The core that it keeps to; null for any.</param>
    public static IngressNode Start(string node, string switchNamespace, string nodeNamespace, int? core)
    {
        string[] program = [Environment.ProcessPath!, "exec", Environment.GetCommandLineArgs()[0], Name, node, switchNamespace, nodeNamespace];
        string[] pinned = core is { } number ? ["taskset", "-c", number.ToString(CultureInfo.InvariantCulture), .. program] : program;
        var process = Process.Start(new ProcessStartInfo(pinned[0], pinned[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,

            // Compiled fully at first use: step by step the runtime's compiler would be at work amid the measurement.
            Environment = { ["DOTNET_TieredCompilation"] = "0", ["DOTNET_ReadyToRun"] = "0" },
        })!;
        return process.StandardOutput.ReadLine() is not null ? new(process) : throw new BenchException($"node {node} did not start");
    }

    /// <summary>Packets that the programs on its interfaces have forwarded, and those that the host has.</summary>
    public (long Nic, long Host) Forwarded()
    {
        _process.StandardInput.WriteLine();
        string line = _process.StandardOutput.ReadLine() ?? throw new BenchException("the node has ended");
        long[] numbers = [.. line.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
        return (numbers[0], numbers[1]);
    }

    /// <summary>The node: runs until its input ends; each line of it is answered by what was forwarded.</summary>
    public static async Task<int> RunAsync(string node, string switchNamespace, string nodeNamespace)
    {
        AheadOfOthers.Enter();
        await using var engine = await BatonEngine.StartAsync(IngressNetwork.NodeOptions(node, IngressNetwork.Open(node, switchNamespace, nodeNamespace)));
        await engine.Shard.Call(shard =>
        {
            shard.Bind(new ApplicationBinding(new BatonEndPoint(IngressNetwork.Service), IpProtocol.Tcp, "http", () => new HttpApplication()));
            return true;
        });
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null)
        {
            var counters = await engine.CountersAsync();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counters.NicForwarded} {counters.Forwarded}"));
        }

        return 0;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}

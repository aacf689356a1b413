using System.Diagnostics;
using Baton.Bench.Machine;

namespace Baton.Bench.Farm;

/// <summary>What a node costs that has nothing to do: the processor time of its process, in a farm of three.</summary>
internal static class IdleNode
{
    /// <summary>The word that starts this program as a node.</summary>
    public const string Name = "idle-node";

    /// <summary>Percent of a core that the node's process uses.</summary>
    public static async Task<double> MeasureAsync(TimeSpan time)
    {
        using var network = new FarmNetwork();
        await using var b = await StreamNode.StartAsync(network.Switch, FarmNetwork.Nodes[1]);
        await using var c = await StreamNode.StartAsync(network.Switch, FarmNetwork.Nodes[2]);
        using var a = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, ["exec", Environment.GetCommandLineArgs()[0], Name, network.Switch, FarmNetwork.Nodes[0]])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,

            // Compiled fully at first use: else the runtime's compiler would be at work on a young node for a quarter of
            // a minute, and be most of what is measured.
            Environment = { ["DOTNET_TieredCompilation"] = "0" },
        })!;
        if (await a.StandardOutput.ReadLineAsync() is null)
        {
            throw new BenchException("the idle node did not start");
        }

        // The start, and each kind of event once.
        await Task.Delay(TimeSpan.FromSeconds(3));
        double before = ProcessorTime.OfProcess(a.Id).TotalMilliseconds;
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(time);
        double used = ProcessorTime.OfProcess(a.Id).TotalMilliseconds - before;
        double percent = 100 * used / Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        a.StandardInput.Close();
        await a.WaitForExitAsync();
        return percent;
    }

    /// <summary>The node: runs until its input ends.</summary>
    public static async Task<int> RunAsync(string switchNamespace, string node)
    {
        await using var running = await StreamNode.StartAsync(switchNamespace, node);
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        return 0;
    }
}

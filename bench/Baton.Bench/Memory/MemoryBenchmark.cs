using System.Globalization;
using Baton.Bench.Machine;

namespace Baton.Bench.Memory;

/// <summary>
/// What idle connections occupy, by opening them: the difference of the collected heap. And what a packet costs among so
/// many.
/// </summary>
internal static class MemoryBenchmark
{
    private const int QuickConnections = 200_000;
    private const int Connections = 1_000_000;
    private const int WarmUpConnections = 1000;
    private const double GiB = 1L << 30;

    public static int Run(bool quick)
    {
        int count = quick ? QuickConnections : Connections;
        ReportCost(count);
        return ReportIdle(count);
    }

    /// <summary>Opens all clients' connections, some at a time.</summary>
    public static void Open(GeneratedClients clients, GeneratorLink link, Action run)
    {
        for (int first = 0; first < clients.Count; first += GeneratorLink.Burst / 2)
        {
            int end = Math.Min(clients.Count, first + GeneratorLink.Burst / 2);
            for (int client = first; client < end; client++)
            {
                link.Put(clients.WriteSyn(link.Next, client));
            }

            // Twice: the first SYN's answer waits for the gateway's address.
            run();
            run();
            for (int client = first; client < end; client++)
            {
                link.Put(clients.WriteData(link.Next, client, default));
            }

            run();
        }
    }

    private static void ReportCost(int most)
    {
        Print($"{"connections",14}{"1 % active",14}{"random order",14}   ns a packet, on the shard's thread");
        _ = Cores.RunOn(Cores.Server, "shard", () =>
        {
            using (var warmUp = new PacketCost(WarmUpConnections))
            {
                warmUp.OfFewActive();
                warmUp.OfRandomOrder();
                Thread.Sleep(500);
            }

            for (int count = 100; count <= most; count *= count * 10 > most && count < most ? most / count : 10)
            {
                using var node = new PacketCost(count);
                Print($"{count,14}{node.OfFewActive(),14:F0}{node.OfRandomOrder(),14:F0}");
            }

            return true;
        }).GetAwaiter().GetResult();
        GC.Collect();
    }

    private static int ReportIdle(int count)
    {
        var clients = new GeneratedClients(count);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var link = new GeneratorLink("front", clients);
        var node = new StackAndDirector(clients, link);
        Open(clients, link, node.Run);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        if (node.Established != count)
        {
            throw new BenchException($"of {count} connections {node.Established} were established");
        }

        double bytes = (double)(after - before) / count;
        Print($"{count} idle established connections in one stack and directory: {bytes:F0} bytes each, {(after - before) / GiB:F2} GiB.");
        Print($"The process has {Environment.WorkingSet / GiB:F2} GiB.");
        Print($"figures: idle_bytes={bytes:F0} connections={node.Established}");
        return 0;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

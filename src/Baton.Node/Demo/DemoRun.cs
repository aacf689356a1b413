using Baton.Node.Cli;

namespace Baton.Node.Demo;

/// <summary>The demonstration from beginning to end. Whatever happens, what was made is removed.</summary>
internal static class DemoRun
{
    private static readonly TimeSpan InterruptionTime = TimeSpan.FromMilliseconds(200);

    /// <summary>Checks the machine, finds the rights that are needed, runs; gives the exit status.</summary>
    public static async Task<int> StartAsync(DemoOptions options)
    {
        bool isRoot = Environment.IsPrivilegedProcess;
        if (!Unprivileged.IsInside)
        {
            using var interruption = new Interruption();
            await Prerequisites.RequireAsync(isRoot, options.Link, Console.Error.WriteLine, interruption.Token);
        }

        if (!isRoot)
        {
            return await Unprivileged.RunInsideAsync(options.Arguments);
        }

        using var stop = new Interruption();
        var report = await RunAsync(options, stop.Token);
        if (options.Json)
        {
            Output.Json(report, DemoJson.Default.DemoReport);
        }
        else
        {
            Summary.Print(report);
        }

        return report.Held ? ExitCode.Success : ExitCode.Failed;
    }

    private static async Task<DemoReport> RunAsync(DemoOptions options, CancellationToken cancellation)
    {
        var report = new DemoReport();
        WorkDirectory.RemoveLeftovers();
        using var directory = WorkDirectory.Create();
        bool isLive = !options.Json && Spectre.Console.AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;
        await using var view = new DemoView(isLive, options.Json ? Console.Error : Console.Out);
        try
        {
            await RunAsync(options, directory.FullName, view, report, cancellation);
        }
        catch (Exception failure) when (failure is DemoException or Engine.BatonException or IOException)
        {
            // Ctrl-C on a terminal ends curl and the nodes as well as this process: then nothing has failed.
            await Task.Delay(InterruptionTime, cancellation);
            report.Check("every step ran to its end", false, failure.Message);
            directory.Keep();
            view.Begin("failed").Done(false, $"{failure.Message}\nlogs and captures: {directory.FullName}");
        }

        report.Seconds = view.Elapsed.TotalSeconds;
        return report;
    }

    private static async Task RunAsync(DemoOptions options, string directory, DemoView view, DemoReport report, CancellationToken cancellation)
    {
        var step = view.Begin("farm");
        step.Now("making namespaces");
        await using var network = await DemoNetwork.CreateAsync(relay: true, options.Link, options.Plan, cancellation);
        step.Event("namespaces are made: client, router, switch, a, b, c");
        step.Now("starting the relay and three nodes");
        await using var farm = await DemoFarm.StartAsync(network, directory, options, cancellation);
        step.Done(true, $"nodes a, b, c and a client {options.Delay} ms away; try: ./baton status --socket {farm.SocketOf(farm.Plan.Nodes[0])}");

        var client = new DemoClient(network);
        await ShortRequests.RunAsync(farm, client, view, report, cancellation);
        var transfers = new Transfers(farm, client, view, report, options.Size);
        await transfers.DownloadAsync(cancellation);
        await transfers.UploadAsync(cancellation);
        await transfers.ContentAsync(AddressPlan.ContentPort, cancellation);
        await DatagramExchange.RunAsync(farm, client, view, report, cancellation);
        await DrainScene.RunAsync(farm, client, view, report, cancellation);

        var captures = view.Begin("captures");
        captures.Now("reading");
        await AddNodesAsync(farm, options.Link, report, cancellation);
        var views = await farm.StopCapturesAsync(cancellation);
        string kept = options.KeepCaptures is { } keep ? Directory.CreateDirectory(keep).FullName : farm.CaptureDirectory;
        await Task.Run(() => new TrafficChecks(report, farm.Plan, kept, options.KeepCaptures is not null, options.SnapLength).Run(farm.RelayCapture, views), cancellation);
        captures.Done(true, string.Join(", ", report.Captures.Select(c => $"{c.Network} {c.Packets} packets")));
    }

    private static async Task AddNodesAsync(DemoFarm farm, DemoLink link, DemoReport report, CancellationToken cancellation)
    {
        var status = await farm["a"].StatusAsync(cancellation: cancellation);
        foreach (var node in status.Nodes)
        {
            if (node.Counters is { } c)
            {
                report.Nodes.Add(new(
                    node.Name, c.Endpoints, c.HandoffsOut, c.HandoffsIn, c.Held, c.Forwarded, c.NicForwarded, c.ForwardedByTombstone, c.ResetsSent, c.Drops));
            }
        }

        if (link == DemoLink.Xdp)
        {
            long forwarded = report.Nodes.FirstOrDefault(node => node.Name == "a")?.ForwardedByNic ?? 0;
            report.Check("A's interface forwarded without the host", forwarded > 0, $"{forwarded} packets");
        }

        report.Check("every node answered to the end", report.Nodes.Count == farm.Plan.Nodes.Count, $"{report.Nodes.Count} of {farm.Plan.Nodes.Count}");
    }
}

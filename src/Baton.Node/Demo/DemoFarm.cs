using System.Globalization;
using Baton.Hosting;

namespace Baton.Node.Demo;

/// <summary>
/// The running farm: the relay and the three nodes, each a process of its own, and the tool's own client to each node's
/// control API, by which everything is done.
/// </summary>
internal sealed class DemoFarm : IAsyncDisposable
{
    private readonly List<DemoProcess> _processes = [];
    private readonly Dictionary<string, ControlClient> _controls = new(StringComparer.Ordinal);

    private DemoFarm(DemoNetwork network, string directory)
    {
        Network = network;
        WorkDirectory = directory;
        CaptureDirectory = Path.Combine(directory, "captures");
        Directory.CreateDirectory(CaptureDirectory);
    }

    public DemoNetwork Network { get; }

    /// <summary>Who has which address.</summary>
    public AddressPlan Plan => Network.Plan;

    public string WorkDirectory { get; }

    public string CaptureDirectory { get; }

    /// <summary>What the relay captured: the client's network.</summary>
    public string RelayCapture => Path.Combine(CaptureDirectory, "relay.pcapng");

    /// <summary>The control client of a node.</summary>
    public ControlClient this[string node] => _controls[node];

    /// <summary>Starts everything, and waits until every node sees every other.</summary>
    public static async Task<DemoFarm> StartAsync(DemoNetwork network, string directory, DemoOptions options, CancellationToken cancellation)
    {
        var farm = new DemoFarm(network, directory);
        try
        {
            farm.StartProcesses(options);
            await farm._processes[0].Ready.WaitAsync(cancellation);
            await FarmStart.WaitAsync(farm.SocketOf, farm.RequireRunning, hint: "", cancellation);
            foreach (var control in farm._controls.Values)
            {
                // A young process compiles at its first answer, and a small transfer could be over meanwhile.
                await control.FindAsync(farm.Plan.ClientName(0), local: true, cancellation);
                await control.StartCaptureAsync(new(farm.CaptureDirectory, options.SnapLength), cancellation);
            }

            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends all captures; their files are then whole.</summary>
    public async Task<IReadOnlyList<CaptureView>> StopCapturesAsync(CancellationToken cancellation)
    {
        var views = new List<CaptureView>();
        foreach (var control in _controls.Values)
        {
            views.AddRange(await control.StopCaptureAsync(cancellation));
        }

        await _processes[0].DisposeAsync();
        return views;
    }

    /// <summary>Throws when a process of the farm has ended.</summary>
    public void RequireRunning()
    {
        foreach (var process in _processes)
        {
            process.RequireRunning();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var control in _controls.Values)
        {
            control.Dispose();
        }

        await Task.WhenAll(_processes.Select(p => p.DisposeAsync().AsTask()));
    }

    private void StartProcesses(DemoOptions options)
    {
        string end = "/" + DemoNetwork.RelayTap;
        _processes.Add(DemoProcess.StartSelf("relay", null, Path.Combine(WorkDirectory, "relay.log"),
        [
            "relay",
            "--first", Network.Client + end,
            "--second", Network.Router + end,
            "--delay", options.Delay.ToString(CultureInfo.InvariantCulture),
            "--loss", options.Loss.ToString(CultureInfo.InvariantCulture),
            "--capture", RelayCapture,
            "--snaplen", options.SnapLength.ToString(CultureInfo.InvariantCulture),
        ]));
        var environment = new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = WorkDirectory };
        DemoCertificates.Make(WorkDirectory);
        foreach (var node in Plan.Nodes)
        {
            string config = Path.Combine(WorkDirectory, node.Name + ".json");
            File.WriteAllText(config, DemoConfiguration.Text(Plan, node, options.Link));
            _processes.Add(DemoProcess.StartSelf(
                $"node {node.Name}", Network.NamespaceOf(node), Path.Combine(WorkDirectory, node.Name + ".log"),
                ["node", "--config", config, "--stop-at-end-of-input"], environment));
            _controls[node.Name] = new(SocketOf(node));
        }
    }

    /// <summary>Where a node's control socket is; any <c>baton</c> command may be tried on it meanwhile.</summary>
    public string SocketOf(DemoNode node) => Path.Combine(WorkDirectory, "baton", node.Name + ".sock");
}

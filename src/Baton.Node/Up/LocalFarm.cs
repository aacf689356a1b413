using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary>Three nodes of the user's program on this machine, in a <see cref="DemoNetwork"/>.</summary>
internal sealed class LocalFarm : IAsyncDisposable
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(40);

    private readonly Dictionary<DemoNode, ServedProgram> _programs = [];
    private readonly IReadOnlyList<(string Name, int Port)> _services;
    private readonly string _directory;

    private LocalFarm(DemoNetwork network, string directory, IReadOnlyList<(string Name, int Port)> services)
    {
        (Network, _directory, _services) = (network, directory, services);
    }

    public DemoNetwork Network { get; }

    /// <summary>Starts the program at every node, and waits until every node reaches every other.</summary>
    public static async Task<LocalFarm> StartAsync(
        DemoNetwork network, string directory, ProgramCommand program, IReadOnlyList<(string Name, int Port)> services, CancellationToken cancellation)
    {
        var farm = new LocalFarm(network, directory, services);
        try
        {
            DemoCertificates.Make(directory);
            foreach (var node in AddressPlan.V4.Nodes)
            {
                farm.Start(node, program);
            }

            await farm.UntilReadyAsync(cancellation);
            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    public string LogOf(DemoNode node) => Path.Combine(_directory, node.Name + ".log");

    public string SocketOf(DemoNode node) => Path.Combine(_directory, "baton", node.Name + ".sock");

    /// <summary>Stops a node's program, starts the given one in its place, and waits until all nodes reach each other.</summary>
    /// <exception cref="DemoException">The program did not stop by itself, or the new one did not come up.</exception>
    public async Task ReplaceAsync(DemoNode node, ProgramCommand program, CancellationToken cancellation)
    {
        if (!await _programs[node].StopAsync(StopTime))
        {
            throw new DemoException($"{node.Name} did not stop within {StopTime.TotalSeconds:0} s:\n{_programs[node].Said()}");
        }

        await _programs[node].DisposeAsync();
        Start(node, program);
        await UntilReadyAsync(cancellation);
    }

    /// <summary>Throws when a program has ended.</summary>
    public void RequireRunning()
    {
        if (_programs.Values.FirstOrDefault(program => program.HasExited) is { } ended)
        {
            throw new DemoException($"The program at node {ended.Name} has ended:\n{ended.Said()}");
        }
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_programs.Values.Select(program => program.DisposeAsync().AsTask()));

    private void Start(DemoNode node, ProgramCommand program) => _programs[node] = ServedProgram.Start(
        node, Network, program.Command, program.Directory, LogOf(node), UpConfiguration.Environment(node, _services, _directory));

    private Task UntilReadyAsync(CancellationToken cancellation) =>
        FarmStart.WaitAsync(SocketOf, RequireRunning, hint: " Does the program call UseBaton or AddBaton?", cancellation);
}

using System.Globalization;
using Baton.Node.Demo;

namespace Baton.Deploy;

/// <summary>The load generators beside the clients, each with connections over HTTP and over TLS.</summary>
internal sealed class Load : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource _stop = new();
    private readonly CancellationTokenSource _killed = new();
    private readonly DemoNetwork _network;
    private readonly Task<LoadOutcome>[] _programs;
    private long _expected;

    private Load(DemoNetwork network, string directory, int connections)
    {
        _network = network;
        string[] homes = [.. AddressPlan.V4.Nodes.Select(node => node.Service.ToString())];
        _programs =
        [
            LoadProgram.WrkAsync(network, directory, $"http://{homes[0]}/", connections, _stop.Task, _killed.Token),
            LoadProgram.WrkAsync(network, directory, $"https://{homes[1]}/", connections, _stop.Task, _killed.Token),
            LoadProgram.H2LoadAsync(network, $"http://{homes[1]}/", connections, () => Interlocked.Add(ref _expected, connections), _stop.Task, _killed.Token),
            LoadProgram.H2LoadAsync(network, $"https://{homes[2]}/", connections, () => Interlocked.Add(ref _expected, connections), _stop.Task, _killed.Token),
        ];
    }

    /// <summary>Starts them, and waits until they and all other clients have their connections.</summary>
    /// <param name="network">Whose client they are.</param>
    /// <param name="directory">Where they may leave files.</param>
    /// <param name="connections">How many each keeps.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<Load> StartAsync(DemoNetwork network, string directory, int connections, CancellationToken cancellation)
    {
        var load = new Load(network, directory, connections);
        long opened = 0, before;
        do
        {
            await Task.Delay(s_interval, cancellation);
            (before, opened) = (opened, await load.OpenedAsync(cancellation));
        }
        while (opened != before);
        load._expected += opened;
        return load;
    }

    /// <summary>Ends them; what they counted.</summary>
    public Task<LoadOutcome[]> StopAsync()
    {
        _stop.TrySetResult();
        return Task.WhenAll(_programs);
    }

    /// <summary>Connections that were opened in the client's namespace since the start by somebody who had one before.</summary>
    public async Task<long> ReconnectsAsync(CancellationToken cancellation) => await OpenedAsync(cancellation) - Interlocked.Read(ref _expected);

    /// <summary>Kills those that still run.</summary>
    public async ValueTask DisposeAsync()
    {
        await _killed.CancelAsync();
        await Task.WhenAll(_programs).ContinueWith(static _ => { }, TaskScheduler.Default);
        _killed.Dispose();
    }

    /// <summary>ActiveOpens of the client's kernel (RFC 4022: tcpActiveOpens).</summary>
    private async Task<long> OpenedAsync(CancellationToken cancellation)
    {
        string counters = await Tool.RequireAsync("ip", ["netns", "exec", _network.Client, "cat", "/proc/net/snmp"], cancellation: cancellation);
        string[][] lines = [.. counters.Split('\n').Where(line => line.StartsWith("Tcp: ", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        return long.Parse(lines[1][Array.IndexOf(lines[0], "ActiveOpens")], CultureInfo.InvariantCulture);
    }
}

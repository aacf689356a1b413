using System.Diagnostics;
using System.Text.Json.Nodes;
using Baton.Link;

namespace Baton.RealPackets.Tests;

/// <summary>A node of the farm that is a process of its own, <c>baton node</c>, so that it can exit or be killed.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _said;
    private readonly string _directory;

    private NodeProcess(Process process, string directory)
    {
        _process = process;
        _said = process.StandardError.ReadToEndAsync();
        _directory = directory;
    }

    /// <summary>Starts a node with the configuration that the nodes in the test's process have.</summary>
    public static NodeProcess Start(RealNetwork network, string name) => Start(network.NamespaceOf(name), name, NodeLinks.Name);

    /// <summary>Starts a node in a namespace on links of a kind.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="link">The kind of link.</param>
    /// <param name="before">Words before the command, which take rights from it.</param>
    public static NodeProcess Start(string space, string name, string link, params string[] before)
    {
        string directory = Directory.CreateTempSubdirectory("baton-real-").FullName;
        string file = Path.Combine(directory, "baton.json");
        File.WriteAllText(file, Configuration(name, Path.Combine(directory, "node.sock"), link));
        string program = Path.Combine(AppContext.BaseDirectory, "baton.dll");
        var start = new ProcessStartInfo(
            "ip", ["netns", "exec", space, .. before, Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet",
                program, "node", "--config", file, "--stop-at-end-of-input"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        return new(Process.Start(start)!, directory);
    }

    /// <summary>Asks the node by the tool; gives what it printed.</summary>
    public string Ask(params string[] arguments)
    {
        var (status, output, error) = RealNetwork.TryRun(
            null, "dotnet", [Path.Combine(AppContext.BaseDirectory, "baton.dll"), .. arguments, "--socket", Path.Combine(_directory, "node.sock")]);
        Assert.True(status == 0, $"baton {string.Join(' ', arguments)}: {output} {error}");
        return output;
    }

    /// <summary>The process exits, as on a deploy.</summary>
    public async Task ExitAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(Wait.Patience());
    }

    /// <summary>The process ends by itself; what it said.</summary>
    public async Task<string> EndAsync()
    {
        await _process.WaitForExitAsync(Wait.Patience());
        return await _said;
    }

    /// <summary>The process is killed, and says nothing more.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(Wait.Patience());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        string said = await _said;
        if (said.Contains("rror", StringComparison.Ordinal))
        {
            await Console.Error.WriteLineAsync(said);
        }

        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Configuration(string name, string socket, string link) => new JsonObject
    {
        ["Baton"] = new JsonObject
        {
            ["Node"] = name,
            ["Secret"] = RealFarm.Secret,
            ["HandoffBudget"] = "00:00:05",
            ["ControlSocket"] = socket,
            ["Members"] = new JsonArray([.. RealNetwork.NodeNames.Select((member, i) => new JsonObject
            {
                ["Name"] = member,
                ["Id"] = i + 1,
                ["Lan"] = $"192.0.2.{i + 1}",
                ["Front"] = $"198.51.100.{i + 11}",
                ["ServiceAddresses"] = new JsonArray($"198.51.100.{i + 101}"),
            })]),
            ["Front"] = Network("front", name, link, "198.51.100.1"),
            ["Lan"] = Network("lan", name, link, ""),
            ["Services"] = new JsonArray([.. FarmSetup.Services.Select(service => new JsonObject
            {
                ["Name"] = service.Name,
                ["Protocol"] = service.Protocol.ToString().ToLowerInvariant(),
                ["Port"] = service.Port,
                ["Placement"] = service.Placement == Wire.Placement.Handshake ? "handshake" : "first-request",
                ["Policy"] = service.Policy,
            })]),
        },
    }.ToJsonString();

    private static JsonObject Network(string network, string node, string link, string gateway) => new()
    {
        ["Link"] = link,
        ["Device"] = network,
        ["MacAddress"] = RealFarm.MacOf(network, node).ToString(),
        ["Mtu"] = RealNetwork.Mtu(network),
        ["PrefixLength"] = 24,
        ["Gateway"] = gateway,
    };
}

using System.Diagnostics;
using System.Text.Json;

namespace Baton.Endurance;

/// <summary>A node's process, which can be killed and started again.</summary>
internal sealed class NodeProcess(string space, string name) : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private Process? _process;

    public string Name => name;

    public void Start()
    {
        _process?.Dispose();
        _process = Process.Start(new ProcessStartInfo(
            "dotnet", ["exec", typeof(NodeProcess).Assembly.Location, NodeProgram.Name, space, name])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    public async Task<T> AskAsync<T>(string command)
    {
        await _process!.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(s_limit);
        return JsonSerializer.Deserialize<T>(line ?? throw new EnduranceException($"node {name} has ended by itself"))!;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (_process is { } process)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}

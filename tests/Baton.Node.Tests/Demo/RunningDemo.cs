using System.Diagnostics;
using System.Globalization;
using System.Text;
using Baton.Node.Demo;

namespace Baton.Node.Tests.Demo;

/// <summary>A demonstration in a process of its own, that a test follows line by line and ends before its end.</summary>
internal sealed class RunningDemo : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);
    private readonly Process _process;
    private readonly Task<string> _errors;

    private RunningDemo(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static RunningDemo Start() => new(Tool.Start("dotnet", [typeof(DemoRun).Assembly.Location, "demo", "--size", "128M"]));

    /// <summary>Waits for a line that contains a text.</summary>
    public async Task UntilAsync(string text)
    {
        using var limit = new CancellationTokenSource(s_patience);
        var said = new StringBuilder();
        while (await _process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            said.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }

        Assert.Fail($"The demonstration ended without '{text}': {said}{await _errors}");
    }

    /// <summary>Sends a signal, as <c>kill</c> names it, and gives the exit status.</summary>
    public async Task<int> EndAsync(string signal)
    {
        string id = _process.Id.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(0, (await Tool.RunAsync("kill", ["-" + signal, id])).ExitCode);
        using var limit = new CancellationTokenSource(s_patience);
        await _process.StandardOutput.ReadToEndAsync(limit.Token);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Its namespaces, its directories, and the processes that run in or from them.</summary>
    public async Task<IReadOnlyList<string>> RemainsAsync()
    {
        string prefix = string.Create(CultureInfo.InvariantCulture, $"baton-demo-{_process.Id}-");
        var namespaces = (await Tool.RunAsync("ip", ["netns", "list"])).Output.Split('\n').Where(line => line.StartsWith(prefix, StringComparison.Ordinal));
        var directories = Directory.GetDirectories(Path.GetTempPath(), prefix + "*");
        return [.. namespaces, .. directories, .. ProcessesWith(prefix)];
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static IEnumerable<string> ProcessesWith(string text)
    {
        foreach (string directory in Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out _)))
        {
            string command = "";
            try
            {
                command = File.ReadAllText(Path.Combine(directory, "cmdline")).Replace('\0', ' ');
            }
            catch (IOException)
            {
                // It has ended.
            }

            if (command.Contains(text, StringComparison.Ordinal))
            {
                yield return command;
            }
        }
    }
}

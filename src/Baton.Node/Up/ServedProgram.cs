using System.Diagnostics;
using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary>The user's program at one node: a process in the node's namespace, its output in a file.</summary>
internal sealed class ServedProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _copying;

    private ServedProgram(string name, Process process, string logFile)
    {
        (Name, LogFile, _process) = (name, logFile, process);
        process.StandardInput.Close();
        _copying = CopyAsync();
    }

    public string Name { get; }

    public string LogFile { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it; the log goes on where the last one of that node ended.</summary>
    public static ServedProgram Start(
        DemoNode node, DemoNetwork network, IReadOnlyList<string> command, string directory, string logFile, IReadOnlyDictionary<string, string> environment)
    {
        var process = Tool.Start("ip", ["netns", "exec", network.NamespaceOf(node), .. command], environment, directory);
        return new(node.Name, process, logFile);
    }

    /// <summary>Asks it to stop, as a deploy does, and waits; kills what does not stop in time.</summary>
    /// <returns>Whether it stopped by itself.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        try
        {
            if (!_process.HasExited)
            {
                await Tool.RunAsync("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            }

            using var limit = new CancellationTokenSource(patience);
            await _process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            return false;
        }
    }

    /// <summary>Its last words.</summary>
    public string Said() => File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(12)) : "";

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromSeconds(3));
        await _copying;
        _process.Dispose();
    }

    private async Task CopyAsync()
    {
        await using var file = new FileStream(LogFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        await Task.WhenAll(_process.StandardOutput.BaseStream.CopyToAsync(file), _process.StandardError.BaseStream.CopyToAsync(file));
    }
}

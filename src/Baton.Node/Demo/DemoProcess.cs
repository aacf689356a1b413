using System.Diagnostics;

namespace Baton.Node.Demo;

/// <summary>
/// A program of the demonstration that runs beside it in a namespace. It ends when its standard input does, hence also
/// when the demonstration is killed.
/// </summary>
internal sealed class DemoProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(3);
    private readonly Process _process;
    private readonly Task _copying;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _disposed;

    private DemoProcess(string name, Process process, string logFile)
    {
        Name = name;
        LogFile = logFile;
        _process = process;
        _copying = Task.WhenAll(CopyErrorsAsync(), WatchOutputAsync());
    }

    public string Name { get; }

    public string LogFile { get; }

    /// <summary>Completes with the first line of output.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Starts this program with other arguments in a namespace; its messages go into a file.</summary>
    public static DemoProcess StartSelf(
        string name, string? networkNamespace, string logFile, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        string[] command = [.. networkNamespace is null ? [] : (string[])["ip", "netns", "exec", networkNamespace], .. Self.Command, .. arguments];
        return new(name, Tool.Start(command[0], command[1..], environment), logFile);
    }

    /// <summary>Throws what the process said when it has ended although nobody asked it to.</summary>
    public void RequireRunning()
    {
        if (_disposed == 0 && _process.HasExited)
        {
            string said = File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(12)) : "";
            throw new DemoException($"{Name} ended with status {_process.ExitCode}:\n{said}");
        }
    }

    /// <summary>Ends its input and waits; what does not end by itself is killed. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(StopTime);
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _copying;
        _process.Dispose();
    }

    private async Task CopyErrorsAsync()
    {
        await using var file = new FileStream(LogFile, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        await _process.StandardError.BaseStream.CopyToAsync(file);
    }

    private async Task WatchOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is not null)
        {
            _ready.TrySetResult();
        }

        _ready.TrySetException(new DemoException($"{Name} ended before it was ready; see {LogFile}"));
        _ = _ready.Task.Exception;
    }
}

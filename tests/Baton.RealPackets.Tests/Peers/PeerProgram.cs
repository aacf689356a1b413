using System.Diagnostics;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>Programs of others in the farm's namespace.</summary>
internal sealed class PeerProgram : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    private PeerProgram(Process process) => _process = process;

    /// <summary>Whether a program is there.</summary>
    public static bool IsInstalled(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/bin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Skips the test where a program is missing.</summary>
    public static void Need(string program, string package) =>
        Assert.SkipUnless(IsInstalled(program), $"needs {program} (Debian: apt-get install {package})");

    /// <summary>Starts a server; it is ended with the farm.</summary>
    public static PeerProgram Start(PeerFarm farm, string file, params string[] arguments) =>
        farm.Owned(new PeerProgram(Launch(farm, file, arguments)));

    /// <summary>Waits until a server prints the next line that begins so.</summary>
    public async Task SaysAsync(string beginning)
    {
        string? line;
        do
        {
            line = await _process.StandardOutput.ReadLineAsync(Wait.Patience());
            Assert.True(line is not null, $"It has ended and not said: {beginning}");
        }
        while (!line.StartsWith(beginning, StringComparison.Ordinal));
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its status, and all it printed.</returns>
    public static async Task<(int Status, string Output)> RunAsync(PeerFarm farm, string file, params string[] arguments)
    {
        using var process = Launch(farm, file, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{file} {string.Join(' ', arguments)} does not end: {await output}{await errors}");
        }

        return (process.ExitCode, await output + await errors);
    }

    /// <summary>Runs a program to its end, which has to be a good one.</summary>
    public static async Task<string> SucceedAsync(PeerFarm farm, string file, params string[] arguments)
    {
        var (status, output) = await RunAsync(farm, file, arguments);
        Assert.True(status == 0, $"{file} {string.Join(' ', arguments)} ended with {status}:\n{output}");
        return output;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static Process Launch(PeerFarm farm, string file, string[] arguments)
    {
        var start = new ProcessStartInfo("ip", ["netns", "exec", farm.Namespace, file, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/bin";
        return Process.Start(start)!;
    }
}

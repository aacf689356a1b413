using System.Diagnostics;
using Baton.Bench.Machine;

namespace Baton.Bench.Web;

/// <summary>The server's process, on the server's core.</summary>
internal sealed class WebServerProcess : IDisposable
{
    private readonly Process _process;

    private WebServerProcess(Process process) => _process = process;

    /// <summary>Starts it.</summary>
    /// <param name="kernelNamespace">Where the kernel's socket listens.</param>
    /// <param name="ownNamespace">Where the farm's devices are made.</param>
    public static WebServerProcess Start(string kernelNamespace, string ownNamespace)
    {
        string[] arguments =
        [
            "-c", $"{Cores.Server}", Environment.ProcessPath!, "exec", Environment.GetCommandLineArgs()[0], WebServer.Name, kernelNamespace, ownNamespace,
        ];
        var process = Process.Start(new ProcessStartInfo("taskset", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,

            // Compiled fully at first use: on one busy core the runtime's compiler needs half a minute to get there step by step.
            Environment = { ["DOTNET_TieredCompilation"] = "0", ["DOTNET_ReadyToRun"] = "0" },
        })!;
        return process.StandardOutput.ReadLine() is not null ? new(process) : throw new BenchException("the server did not start");
    }

    /// <summary>What it has used, after it has collected its garbage or as it is.</summary>
    public ServerUsage Usage(bool collects = false)
    {
        _process.StandardInput.WriteLine(collects ? WebServer.Collect : WebServer.Usage);
        return ServerUsage.Parse(_process.StandardOutput.ReadLine() ?? throw new BenchException("the server has ended"));
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}

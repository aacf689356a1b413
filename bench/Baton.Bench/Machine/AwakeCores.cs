using System.Diagnostics;
using System.Globalization;

namespace Baton.Bench.Machine;

/// <summary>
/// Keeps both cores from halting while it lives, by a process on each that spins where nobody else wants to run: a virtual
/// machine's host takes a halted core away, and brings it back up to milliseconds after it was to wake.
/// </summary>
internal sealed class AwakeCores : IDisposable
{
    // Should this process be killed, they end by themselves.
    private const string Longest = "300";

    private readonly Process[] _spinning = [.. new[] { Cores.Server, Cores.Client }.Select(Spin)];

    public void Dispose()
    {
        foreach (var process in _spinning)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }

    private static Process Spin(int core) => Process.Start(new ProcessStartInfo(
        "timeout", [Longest, "taskset", "-c", core.ToString(CultureInfo.InvariantCulture), "chrt", "-i", "0", "sh", "-c", "while :; do :; done"]))!;
}

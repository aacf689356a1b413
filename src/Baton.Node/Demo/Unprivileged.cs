using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Baton.Node.Demo;

/// <summary>
/// Without root the demonstration runs itself again in user, network and mount namespaces of its own, where it may do
/// what it needs; a tmpfs on <c>/run</c> is what <c>ip netns</c> writes to.
/// </summary>
internal static class Unprivileged
{
    private const string Mark = "BATON_DEMO_UNSHARED";

    /// <summary>Whether this process is the one inside.</summary>
    public static bool IsInside => Environment.GetEnvironmentVariable(Mark) == "1";

    /// <summary>Runs this program again inside and gives its exit status.</summary>
    public static async Task<int> RunInsideAsync(IReadOnlyList<string> arguments)
    {
        var info = new ProcessStartInfo("unshare");
        foreach (string argument in (string[])["-Urnm", "sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh", .. Self.Command, .. arguments])
        {
            info.ArgumentList.Add(argument);
        }

        info.Environment[Mark] = "1";
        using var process = Process.Start(info) ?? throw new DemoException("'unshare' could not be started.");

        // Ctrl-C reaches the inner process by the terminal; this one stays to give its status.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        });
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}

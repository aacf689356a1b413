using System.Text.Json;
using Baton.Node.Cli;
using Baton.Node.Demo;

namespace Baton.Node.Tests.Demo;

/// <summary>
/// The demonstration as an ordinary user, from that user's own copy of the program. The device node is the test's own,
/// mounted over <c>/dev/net/tun</c> in a mount namespace of its own: nobody else sees it.
/// </summary>
[Collection("demonstrations run one after the other")]
public sealed class UnprivilegedDemoTests : IDisposable
{
    private const string Needed = "needs root, to become another user with a device node of its own";

    private readonly string _home = Directory.CreateTempSubdirectory("baton-user-").FullName;

    /// <summary>Whether this is the machine's root, not that of a user namespace.</summary>
    public static bool IsRoot => Environment.IsPrivilegedProcess && File.ReadAllText("/proc/self/uid_map").Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["0", "0", ..];

    [Fact(Skip = Needed, SkipUnless = nameof(IsRoot))]
    public async Task With_the_device_opened_all_checks_hold_and_nothing_is_left()
    {
        var run = await RunAsync("0666", "--size", "128M", "--json");
        Assert.True(run.ExitCode == ExitCode.Success, run.Error + run.Output);

        using var report = JsonDocument.Parse(run.Output);
        Assert.True(report.RootElement.GetProperty("held").GetBoolean());
        Assert.Empty(Directory.GetDirectories(Path.Combine(_home, "tmp")));
    }

    [Fact(Skip = Needed, SkipUnless = nameof(IsRoot))]
    public async Task With_the_device_closed_it_ends_with_status_2_and_names_the_command_that_mends_it()
    {
        var run = await RunAsync("0600");

        Assert.Equal(ExitCode.Misuse, run.ExitCode);
        Assert.Contains("sudo chmod 0666 /dev/net/tun", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);

    private async Task<ToolResult> RunAsync(string mode, params string[] arguments)
    {
        // $1 home, $2 where the program was built, $3 the device node's mode, then the arguments.
        const string script = """
            set -e
            home=$1 built=$2 mode=$3; shift 3
            mkdir "$home/program" "$home/tmp" "$home/device"
            cp -r "$built/." "$home/program"
            chown -R 65534:65534 "$home"
            mount -t tmpfs tmpfs "$home/device"
            mknod "$home/device/tun" c 10 200
            chmod "$mode" "$home/device/tun"
            mount --bind "$home/device/tun" /dev/net/tun
            cd "$home"
            exec setpriv --reuid=65534 --regid=65534 --clear-groups \
                env HOME="$home" TMPDIR="$home/tmp" dotnet "$home/program/baton.dll" demo "$@"
            """;
        return await Tool.RunAsync(
            "unshare",
            ["-m", "--propagation", "private", "sh", "-c", script, "sh", _home, AppContext.BaseDirectory, mode, .. arguments],
            cancellation: TestContext.Current.CancellationToken);
    }
}

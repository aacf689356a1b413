using System.Text.Json;
using Baton.Node.Demo;

namespace Baton.Node.Tests.Demo;

/// <summary>The demonstration itself, smaller than usual.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_demonstration_holds_all_its_checks_and_leaves_nothing_behind()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun"), "needs root and /dev/net/tun");
        var run = await Tool.RunAsync(
            "dotnet", [typeof(DemoRun).Assembly.Location, "demo", "--size", "256M", "--json"], cancellation: TestContext.Current.CancellationToken);
        Assert.True(run.ExitCode == 0, run.Error + run.Output);

        using var report = JsonDocument.Parse(run.Output);
        Assert.True(report.RootElement.GetProperty("held").GetBoolean());
        Assert.Equal(8, report.RootElement.GetProperty("handoffs").GetArrayLength());
        Assert.Equal(0, report.RootElement.GetProperty("resets").GetInt64());
    }
}

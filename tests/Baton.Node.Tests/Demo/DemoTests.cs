using System.Text.Json;
using Baton.Node.Demo;
using Baton.Testing;

namespace Baton.Node.Tests.Demo;

/// <summary>The demonstration itself, smaller than usual.</summary>
[Collection("demonstrations run one after the other")]
public sealed class DemoTests
{
    private static readonly string[] Networks = ["client", "front", "lan"];

    [Theory]
    [InlineData("256M")]
    [InlineData("128M", "-6")]
    public async Task The_demonstration_holds_all_its_checks_and_tshark_finds_nothing_unexplained_in_its_captures(string size, params string[] options)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun"), "needs root and /dev/net/tun");
        Assert.SkipUnless(Tshark.IsInstalled, Tshark.Needed);
        string captures = Directory.CreateTempSubdirectory("baton-captures-").FullName;
        try
        {
            var run = await Tool.RunAsync(
                "dotnet",
                [typeof(DemoRun).Assembly.Location, "demo", "--size", size, "--json", "--keep-captures", captures, .. options],
                cancellation: TestContext.Current.CancellationToken);
            Assert.True(run.ExitCode == 0, run.Error + run.Output);

            using var report = JsonDocument.Parse(run.Output);
            Assert.True(report.RootElement.GetProperty("held").GetBoolean());
            Assert.Equal(8, report.RootElement.GetProperty("handoffs").GetArrayLength());
            Assert.Equal(0, report.RootElement.GetProperty("resets").GetInt64());
            await Task.WhenAll(Networks.Select(network => Tshark.AssertExplainedAsync(Path.Combine(captures, network + ".pcapng"), network)));
        }
        finally
        {
            Directory.Delete(captures, recursive: true);
        }
    }

    [Theory]
    [InlineData("--link", "packet")]
    [InlineData("--link", "xdp")]
    [InlineData("--ipv6", "--link", "xdp")]
    public async Task It_holds_all_its_checks_on_other_links(params string[] options)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun") && !Unprivileged.IsInside, "needs root of the machine and /dev/net/tun");
        var run = await Tool.RunAsync(
            "dotnet", [typeof(DemoRun).Assembly.Location, "demo", "--size", "64M", "--json", .. options], cancellation: TestContext.Current.CancellationToken);
        Assert.True(run.ExitCode == 0, run.Error + run.Output);

        using var report = JsonDocument.Parse(run.Output);
        Assert.True(report.RootElement.GetProperty("held").GetBoolean());
        Assert.Equal(8, report.RootElement.GetProperty("handoffs").GetArrayLength());
    }
}

using Baton.Node.Demo;

namespace Baton.Node.Tests.Up;

/// <summary>The rolling deploy of <c>./build deploy-test</c> with few clients, every kind of which is among them.</summary>
[Collection("demonstrations run one after the other")]
public sealed class DeployTests
{
    private const string Needed = "needs root and /dev/net/tun";

    public static bool CanRun => Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun");

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task Each_node_is_replaced_by_the_next_version_and_no_client_misses_anything()
    {
        string program = AppContext.BaseDirectory.Replace("Baton.Node.Tests", "Baton.Deploy", StringComparison.Ordinal) + "Baton.Deploy.dll";

        var run = await Tool.RunAsync("dotnet", ["exec", program, "--clients", "30"], cancellation: TestContext.Current.CancellationToken);

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Contains("figures: disconnects=0 lost=0 doubled=0 reordered=0 failed_requests=0 reconnects=0", run.Output, StringComparison.Ordinal);
    }
}

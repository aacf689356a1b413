using Baton.Node.Cli;
using Baton.Node.Demo;

namespace Baton.Node.Tests.Demo;

/// <summary>However a demonstration ends, nothing of it stays: at once after Ctrl-C, with the next run after a kill.</summary>
[Collection("demonstrations run one after the other")]
public sealed class DemoEndingTests
{
    private const string Needed = "needs root, or user namespaces, and /dev/net/tun";

    /// <summary>Whether the tests can run.</summary>
    public static bool CanRun => Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun");

    [Theory(Skip = Needed, SkipUnless = nameof(CanRun))]
    [InlineData("namespaces are made")]
    [InlineData("nodes a, b, c and a client")]
    [InlineData("300 requests")]
    [InlineData("download          a to b")]
    public async Task Interrupted_at_any_moment_it_leaves_nothing(string moment)
    {
        using var demo = RunningDemo.Start();
        await demo.UntilAsync(moment);

        Assert.Equal(ExitCode.Interrupted, await demo.EndAsync("INT"));

        Assert.Empty(await demo.RemainsAsync());
    }

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task What_a_killed_one_left_the_next_removes()
    {
        using var demo = RunningDemo.Start();
        await demo.UntilAsync("download          a to b");
        await demo.EndAsync("KILL");
        Assert.NotEmpty(await demo.RemainsAsync());

        WorkDirectory.RemoveLeftovers();
        await using (await DemoNetwork.CreateAsync(relay: true, TestContext.Current.CancellationToken))
        {
            Assert.Empty(await demo.RemainsAsync());
        }
    }

    [Fact]
    public void A_directory_in_use_and_one_that_was_kept_are_left_alone()
    {
        using var used = WorkDirectory.Create();
        var kept = WorkDirectory.Create();
        try
        {
            kept.Keep();
            kept.Dispose();

            WorkDirectory.RemoveLeftovers();

            Assert.True(Directory.Exists(used.FullName));
            Assert.True(Directory.Exists(kept.FullName));
        }
        finally
        {
            Directory.Delete(kept.FullName, recursive: true);
        }
    }
}

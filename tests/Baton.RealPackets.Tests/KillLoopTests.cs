using System.Globalization;
using Baton.Testing;

namespace Baton.RealPackets.Tests;

/// <summary>The short form of <c>./build endurance</c>: nodes in processes of their own, drained and killed in a loop.</summary>
public sealed class KillLoopTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private static int Connections => QuickForm.Or(400, quick: 50);

    private static double Minutes => QuickForm.Or(30, quick: 3) / 60.0;

    [RealFact]
    public async Task While_nodes_are_drained_and_killed_under_loss_every_connection_that_was_not_a_killed_nodes_ends_exactly()
    {
        using var patience = new CancellationTokenSource(s_limit);
        string program = Path.Combine(AppContext.BaseDirectory, "Baton.Endurance.dll");
        string[] arguments =
        [
            "exec", program,
            "--minutes", Minutes.ToString(CultureInfo.InvariantCulture),
            "--connections", Connections.ToString(CultureInfo.InvariantCulture),
        ];
        var (status, output, error) = await Task.Run(() => RealNetwork.TryRun(null, "dotnet", arguments), patience.Token).WaitAsync(patience.Token);
        Assert.True(status == 0, $"{output}\n{error}");
        Assert.Contains("resets=0", output, StringComparison.Ordinal);
    }
}

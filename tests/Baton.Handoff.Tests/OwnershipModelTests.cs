using System.Diagnostics;

namespace Baton.Handoff.Tests;

/// <summary>The models of ownership in docs/spec, gone through by spin; and with an error planted, which spin finds.</summary>
public sealed class OwnershipModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("baton-model-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("ownership", "")]
    [InlineData("ownership", "-DHOME_AT_S")]
    [InlineData("ownership", "-DHOME_AT_T")]
    [InlineData("ownership", "-DHOME_AT_T -DHOMES=1")]
    [InlineData("ownership", "-DMOVE -DHOMES=3 -DCRASHES=0")]
    [InlineData("doubt", "-DHOMES=3 -DBREAKS=3")]
    [InlineData("homes", "-DLOSSES=3 -DCUTS=3 -DMOVES=2")]
    public void No_order_of_messages_and_crashes_breaks_an_invariant(string model, string variant)
    {
        string report = Explore(model, variant);
        Assert.Contains("errors: 0", report);
        Assert.DoesNotContain("max search depth too small", report);
    }

    [Theory]
    [InlineData("ownership", "-DTHAW_ALONE")]
    [InlineData("ownership", "-DGRANT_TWICE")]
    [InlineData("ownership", "-DSILENT_SOURCE")]
    [InlineData("ownership", "-DNO_LEASE")]
    [InlineData("ownership", "-DSERVE_AT_ONCE")]
    [InlineData("ownership", "-DANY_WORD")]
    [InlineData("ownership", "-DHOME_AT_T -DEMIT_AT_ONCE")]
    [InlineData("ownership", "-DHOME_AT_T -DHOMES=1 -DANSWERS_ONCE")]
    [InlineData("doubt", "-DNO_DOUBT")]
    [InlineData("doubt", "-DIF_BROKEN")]
    [InlineData("doubt", "-DNO_LIMIT")]
    [InlineData("doubt", "-DFORGETS_DONE")]
    [InlineData("doubt", "-DENDS_UNSENT")]
    [InlineData("homes", "-DBELIEVED")]
    [InlineData("homes", "-DNOT_BY_TIME")]
    [InlineData("homes", "-DONLY_LONG")]
    [InlineData("homes", "-DOLD_BY_LEASE")]
    [InlineData("homes", "-DENDS_ALL")]
    [InlineData("homes", "-DANY_START")]
    [InlineData("homes", "-DDOUBTS_ON")]
    [InlineData("homes", "-DKEEPS_CHANNEL")]
    [InlineData("homes", "-DHEIR_SPEAKS")]
    public void A_planted_error_is_found(string model, string error) => Assert.Contains("assertion violated", Explore(model, error));

    [Fact]
    public void A_role_that_moves_before_the_target_has_heard_its_homes_commit_is_the_known_gap_and_one_that_waits_closes_it()
    {
        const string Variant = "-DHOME_AT_S -DMOVE -DHOMES=3 -DCRASHES=0";
        Assert.Contains("assertion violated", Explore("ownership", Variant));
        Assert.Contains("errors: 0", Explore("ownership", Variant + " -DMOVE_WAITS"));
    }

    private string Explore(string model, string defines)
    {
        Assert.SkipUnless(Exists("spin") && Exists("gcc"), "spin and gcc are needed; as root ./build test installs them.");
        Run("spin", [.. defines.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-a", Path.Combine(Root(), "docs", "spec", model + ".pml")]);
        Run("gcc", ["-w", "-DSAFETY", "-o", "pan", "pan.c"]);
        return Run(Path.Combine(_folder, "pan"), ["-m100000", "-w20"]);
    }

    private string Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    private static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CHANGELOG.md")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}

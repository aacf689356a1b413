using System.Diagnostics;

namespace Baton.Handoff.Tests;

/// <summary>The model of ownership in docs/spec/ownership.pml, gone through by spin; and with an error planted, which spin finds.</summary>
public sealed class OwnershipModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("baton-model-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("-DHOME_AT_S")]
    [InlineData("-DHOME_AT_T")]
    [InlineData("-DHOME_AT_T -DHOMES=1")]
    public void No_order_of_messages_and_crashes_breaks_an_invariant(string variant)
    {
        string report = Explore(variant);
        Assert.Contains("errors: 0", report);
        Assert.DoesNotContain("max search depth too small", report);
    }

    [Theory]
    [InlineData("-DTHAW_ALONE")]
    [InlineData("-DGRANT_TWICE")]
    [InlineData("-DSILENT_SOURCE")]
    [InlineData("-DNO_LEASE")]
    [InlineData("-DSERVE_AT_ONCE")]
    [InlineData("-DANY_WORD")]
    [InlineData("-DHOME_AT_T -DEMIT_AT_ONCE")]
    [InlineData("-DHOME_AT_T -DHOMES=1 -DANSWERS_ONCE")]
    public void A_planted_error_is_found(string error) => Assert.Contains("assertion violated", Explore(error));

    private string Explore(string defines)
    {
        Assert.SkipUnless(Exists("spin") && Exists("gcc"), "spin and gcc are needed; as root ./build test installs them.");
        Run("spin", [.. defines.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-a", Path.Combine(Root(), "docs", "spec", "ownership.pml")]);
        Run("gcc", ["-w", "-O2", "-DSAFETY", "-o", "pan", "pan.c"]);
        return Run(Path.Combine(_folder, "pan"), ["-m100000"]);
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

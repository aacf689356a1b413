using Baton.Testing;

namespace Baton.Simulation.Tests;

/// <summary>Every single fault at every step of every variant, and the table of outcomes that the specification shows.</summary>
public sealed class SingleFaultTests
{
    private const string Document = "docs/spec/handoff.md";
    private const string Begin = "<!-- made by SingleFaultTests: BATON_WRITE_DOCS=1 writes it -->\n";
    private const string End = "<!-- end -->";

    [Fact]
    public void Every_single_fault_breaks_no_invariant_and_ends_as_the_table_in_the_specification_says()
    {
        var kinds = QuickForm.Or(whole: 1, quick: 0) == 1 ? FaultTable.AllKinds : FaultTable.QuickKinds;
        var table = FaultTable.Make(kinds, threads: 2);

        Assert.Empty(table.Failures);
        string path = Path.Combine(Root(), Document);
        string text = File.ReadAllText(path);
        int from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int to = text.IndexOf(End, from, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("BATON_WRITE_DOCS") == "1")
        {
            File.WriteAllText(path, text[..from] + table + text[to..]);
            return;
        }

        Assert.Equal(text[from..to], table.ToString());
    }

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

using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Baton.Build;

/// <summary>
/// ./build conformance: reads the tables of docs/CONFORMANCE.md and runs the tests that each row names as
/// <c>`Project:Class.Method`</c>. A row that says "open" is open; one whose tests were not executed fails. The quick form
/// shortens long tests, and of a row's tests on networks of the kernel's, which wait for real time, it runs one case of the first.
/// </summary>
internal static partial class ConformanceVerb
{
    private const string RealPackets = "Baton.RealPackets.Tests";
    private static readonly string[] s_onNetworks = [RealPackets, "Baton.Kestrel.Tests"];

    /// <summary>Runs all rows, or those with the given ids.</summary>
    public static int Run(string[] args)
    {
        bool quick = args.Contains("--quick");
        string[] ids = [.. args.Where(argument => !argument.StartsWith('-'))];
        var rows = Rows().Where(row => ids.Length == 0 || ids.Contains(row.Id, StringComparer.OrdinalIgnoreCase)).ToList();
        if (rows.Count == 0)
        {
            Console.Error.WriteLine("build: docs/CONFORMANCE.md has no such row.");
            return 2;
        }

        DebianPackages.Ensure();
        Rights.Explain();
        if (Solution.Build() != 0)
        {
            return 1;
        }

        var results = RunTests([.. rows.SelectMany(row => row.Chosen(quick)).Distinct()], quick);
        int passed = 0, failed = 0, open = 0;
        foreach (var row in rows)
        {
            string outcome = row.Tests.Count == 0 ? "open"
                : row.Chosen(quick).All(test => results[test] == "pass") ? quick ? "pass (quick)" : "pass" : "fail";
            _ = outcome switch { "open" => open++, "fail" => failed++, _ => passed++ };
            Console.WriteLine($"{row.Id,-15} {outcome,-13} {row.Text}");
            foreach (var test in row.Chosen(quick).Where(test => results[test] != "pass"))
            {
                Console.WriteLine($"{"",-15} {results[test],-13} {test}");
            }
        }

        Console.WriteLine($"figures: passed={passed} failed={failed} open={open}");
        return failed == 0 ? 0 : 1;
    }

    /// <summary>
    /// Starts each test project once, with all of its tests that are to run: as many beside each other as there are cores, but
    /// the one on real packets alone; in the quick form this one beside the others, which take turns. A test's outcome is
    /// "pass" only if all its cases were executed and passed.
    /// </summary>
    private static ConcurrentDictionary<string, string> RunTests(string[] tests, bool quick)
    {
        var results = new ConcurrentDictionary<string, string>();
        var projects = tests.GroupBy(test => test.Split(':')[0]).ToLookup(group => group.Key == RealPackets);
        void RunReal() => projects[true].ToList().ForEach(RunProject);
        void RunOthers(int beside) => Parallel.ForEach(
            Partitioner.Create(projects[false].ToList(), loadBalance: true), new ParallelOptions { MaxDegreeOfParallelism = beside }, RunProject);
        if (quick)
        {
            Parallel.Invoke(RunReal, () => RunOthers(1));
        }
        else
        {
            RunOthers(Environment.ProcessorCount);
            RunReal();
        }

        return results;

        void RunProject(IGrouping<string, string> group)
        {
            string project = Path.Combine("tests", group.Key);
            string[] filter = [.. group.SelectMany(test => (string[])["-method", $"*.{test.Split(':')[1]}"])];
            filter = quick && s_onNetworks.Contains(group.Key) && Directory.Exists(project) ? TestRun.OneCaseOfEach(project, filter) : filter;
            var run = Directory.Exists(project) ? TestRun.Execute(project, [.. filter, "-reporter", "silent"], quick) : TestRun.None;
            foreach (var test in group)
            {
                var cases = run.Tests.Where(c => c.Name.EndsWith("." + test.Split(':')[1], StringComparison.Ordinal)).ToList();
                results[test] = cases.Count == 0 || cases.Any(c => c.Result == "Skip") ? "not executed"
                    : cases.TrueForAll(c => c.Result == "Pass") ? "pass" : "fail";
            }
        }
    }

    private static IEnumerable<Row> Rows()
    {
        foreach (var line in File.ReadLines("docs/CONFORMANCE.md"))
        {
            string[] cells = [.. line.Split('|').Select(cell => cell.Trim())];
            if (cells.Length >= 5 && RowId().IsMatch(cells[1]))
            {
                yield return new(cells[1], cells[2], [.. TestName().Matches(cells[3]).Select(match => match.Groups[1].Value)]);
            }
        }
    }

    [GeneratedRegex(@"^(R\d+|RFC ?\d+.*)$")]
    private static partial Regex RowId();

    [GeneratedRegex(@"`(Baton\.[A-Za-z.]+:[A-Za-z0-9_.]+)`")]
    private static partial Regex TestName();

    private sealed record Row(string Id, string Text, IReadOnlyList<string> Tests)
    {
        /// <summary>The tests that are run.</summary>
        public IEnumerable<string> Chosen(bool quick)
        {
            var onNetworks = Tests.Where(test => s_onNetworks.Contains(test.Split(':')[0]));
            return quick ? Tests.Except(onNetworks.Skip(1)) : Tests;
        }
    }
}

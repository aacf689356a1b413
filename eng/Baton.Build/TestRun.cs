using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;

namespace Baton.Build;

/// <summary>What became of a run of one test project.</summary>
/// <param name="Passed">Tests that passed.</param>
/// <param name="Failed">Tests that failed, and errors outside tests.</param>
/// <param name="Skipped">Tests that were not executed.</param>
/// <param name="Tests">Each test case: class and method, outcome ("Pass", "Fail", "Skip"), and why it was skipped.</param>
internal sealed record TestRun(int Passed, int Failed, int Skipped, IReadOnlyList<TestCase> Tests)
{
    /// <summary>Nothing run yet.</summary>
    public static TestRun None => new(0, 0, 0, []);

    /// <summary>Tests that were executed.</summary>
    public int Executed => Passed + Failed;

    /// <summary>Both runs together.</summary>
    public static TestRun operator +(TestRun a, TestRun b) =>
        new(a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped, [.. a.Tests, .. b.Tests]);

    /// <summary>Runs the tests of a compiled project, all or those that <paramref name="filter"/> selects.</summary>
    /// <param name="project">The project's folder.</param>
    /// <param name="filter">Options of the runner such as <c>-method NAME</c>.</param>
    /// <param name="quick">Long tests run their shortened form (they read BATON_QUICK).</param>
    public static TestRun Execute(string project, IReadOnlyList<string> filter, bool quick)
    {
        string assembly = Solution.Assembly(project);
        string report = Path.Combine(Path.GetTempPath(), $"baton-{Environment.ProcessId}-{Path.GetFileName(project)}.xml");
        try
        {
            var environment = new Dictionary<string, string> { ["BATON_QUICK"] = quick ? "1" : "" };
            string[] command = Rights.Wrap(["dotnet", "exec", assembly, "-noLogo", "-noColor", "-xml", report, .. filter]);
            int status = Tool.Run(command[0], command[1..], environment);
            if (!File.Exists(report))
            {
                Console.Error.WriteLine($"build: {assembly} ended with status {status} and no report.");
                return None with { Failed = 1 };
            }

            var run = Parse(XDocument.Load(report));
            return status != 0 && run.Failed == 0 && run.Executed > 0 ? run with { Failed = 1 } : run;
        }
        finally
        {
            File.Delete(report);
        }
    }

    /// <summary>Options that select the first case of each test that <paramref name="filter"/> selects.</summary>
    public static string[] OneCaseOfEach(string project, IReadOnlyList<string> filter)
    {
        const string Each = "-preEnumerateTheories";
        var (_, output) = Tool.Capture("dotnet", ["exec", Solution.Assembly(project), "-noColor", "-list", "full/json", Each, .. filter]);
        using var cases = JsonDocument.Parse(output);
        string Of(JsonElement test, string name) => test.GetProperty(name).GetString()!;
        return
        [
            Each,
            .. cases.RootElement.EnumerateArray()
                .GroupBy(test => Of(test, "Class") + Of(test, "Method"))
                .SelectMany(test => (string[])["-id", Of(test.First(), "ID")]),
        ];
    }

    private static TestRun Parse(XDocument report)
    {
        var run = None;
        foreach (var assembly in report.Descendants("assembly"))
        {
            int Number(string name) => int.Parse(assembly.Attribute(name)?.Value ?? "0", CultureInfo.InvariantCulture);
            var tests = assembly.Descendants("test").Select(test => new TestCase(
                $"{test.Attribute("type")?.Value}.{test.Attribute("method")?.Value}",
                test.Attribute("result")?.Value ?? "",
                test.Element("reason")?.Value ?? ""));
            run += new TestRun(Number("passed"), Number("failed") + Number("errors"), Number("skipped"), [.. tests]);
        }

        return run;
    }
}

/// <summary>One test case of a run.</summary>
internal sealed record TestCase(string Name, string Result, string Reason);

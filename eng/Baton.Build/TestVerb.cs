namespace Baton.Build;

/// <summary>./build test: everything that can be run unattended.</summary>
internal static class TestVerb
{
    /// <summary>Runs the test projects whose names contain one of <paramref name="words"/>, or all.</summary>
    public static int Run(string[] words)
    {
        bool strict = Rights.IsRoot || Environment.GetEnvironmentVariable("CI") == "true";
        DebianPackages.Ensure();
        Rights.Explain();
        if (Solution.Build() != 0)
        {
            Console.WriteLine("0 passed, 1 failed, 0 skipped");
            return 1;
        }

        var total = TestRun.None;
        foreach (var project in Solution.TestProjects())
        {
            if (words.Length == 0 || words.Any(word => project.Contains(word, StringComparison.OrdinalIgnoreCase)))
            {
                Console.WriteLine($"--- {project}");
                total += TestRun.Execute(project, [], quick: false);
            }
        }

        foreach (var test in total.Tests.Where(test => test.Result == "Skip"))
        {
            Console.WriteLine($"skipped: {test.Name}: {test.Reason}");
        }

        bool failed = total.Failed > 0 || total.Executed == 0 || (strict && total.Skipped > 0);
        if (strict && total.Skipped > 0)
        {
            Console.WriteLine("As root or with CI=true nothing may skip.");
        }

        Console.WriteLine($"{total.Passed} passed, {total.Failed} failed, {total.Skipped} skipped");
        return failed ? 1 : 0;
    }
}

namespace Baton.Scenarios.Tests;

/// <summary>Every script of the project, against the stack.</summary>
public sealed class ScriptTests
{
    public static TheoryData<string> Scripts => [.. ScriptFiles.In("scripts")];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void The_stack_does_what_the_script_says(string name)
    {
        var result = ScenarioRunner.Run(ScriptFiles.Read("scripts", name));
        Assert.True(result.Outcome == ScenarioOutcome.Passed, $"{name}: {result}");
    }

    [Fact]
    public void There_are_many_scripts() => Assert.True(Scripts.Count >= 70);

    [Fact]
    public void Each_script_begins_with_the_clause_that_it_shows()
    {
        var without = Scripts.Select(row => row.Data).Where(name =>
        {
            string first = ScriptFiles.Read("scripts", name).Split('\n')[0];
            return !first.StartsWith("// RFC ", StringComparison.Ordinal);
        });
        Assert.Empty(without);
    }
}

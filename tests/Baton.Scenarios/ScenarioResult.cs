namespace Baton.Scenarios;

/// <summary>How a script ended.</summary>
public enum ScenarioOutcome
{
    /// <summary>Everything happened as written.</summary>
    Passed,

    /// <summary>Something else happened, or the script cannot be read.</summary>
    Failed,

    /// <summary>The script has a construct that the interpreter does not have; nothing is said of it.</summary>
    Unsupported,
}

/// <summary>What became of a script.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Line">The line that decided it; 0 when it passed.</param>
/// <param name="Expected">What the line expects, or the construct that is not supported.</param>
/// <param name="Got">What happened instead.</param>
/// <param name="Ignored">Lines that have no meaning here and were left out.</param>
public sealed record ScenarioResult(ScenarioOutcome Outcome, int Line, string Expected, string Got, IReadOnlyList<string> Ignored)
{
    /// <inheritdoc/>
    public override string ToString() => Outcome switch
    {
        ScenarioOutcome.Passed => "pass",
        ScenarioOutcome.Failed => $"fail line {Line}\n  expected: {Expected}\n  got:      {Got}",
        _ => $"unsupported line {Line}: {Expected}",
    };
}

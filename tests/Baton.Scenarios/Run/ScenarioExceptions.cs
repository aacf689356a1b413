namespace Baton.Scenarios.Run;

/// <summary>Something else happened than the script says.</summary>
internal sealed class ScenarioFailedException(int line, string expected, string got) : Exception($"line {line}: expected {expected}, got {got}")
{
    public int Line { get; } = line;

    public string Expected { get; } = expected;

    public string Got { get; } = got;
}

/// <summary>The interpreter does not have a construct.</summary>
internal sealed class UnsupportedConstructException(int line, string construct) : Exception($"line {line}: {construct}")
{
    public int Line { get; } = line;

    public string Construct { get; } = construct;
}

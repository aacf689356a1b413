namespace Baton.Node.Up;

/// <summary>What the user asked of <c>baton up</c>.</summary>
internal sealed record UpOptions
{
    /// <summary>A folder with a project, an assembly or a program.</summary>
    public required string Program { get; init; }

    /// <summary>What it is started with.</summary>
    public required IReadOnlyList<string> ProgramArguments { get; init; }

    /// <summary>The services and their ports.</summary>
    public required IReadOnlyList<(string Name, int Port)> Services { get; init; }

    /// <summary>A shell command to run as the client; null to run until interrupted.</summary>
    public required string? Exec { get; init; }

    /// <summary>The command line, for running it again inside namespaces.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }
}

namespace Baton.Node.Cli;

/// <summary>What the program says by its exit status.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>It was refused, did not succeed, or a check of the demonstration did not hold.</summary>
    public const int Failed = 1;

    /// <summary>Wrong arguments or configuration, or something is missing on this machine; the message names the mend.</summary>
    public const int Misuse = 2;

    /// <summary>No node answers.</summary>
    public const int NoNode = 3;

    /// <summary>Interrupted.</summary>
    public const int Interrupted = 130;
}

namespace Baton.Scenarios;

/// <summary>Whose choices a script expects where the RFCs leave one.</summary>
public enum ScenarioProfile
{
    /// <summary>The stack's own defaults.</summary>
    Rfc,

    /// <summary>
    /// Linux's and packetdrill's: the first segments are acknowledged at once, a retransmission timeout is at least 200 ms
    /// above the round trip, buffers are twice what SO_SNDBUF and SO_RCVBUF say; PSH within what was written, and packets
    /// that no outbound line follows, are not compared but listed.
    /// </summary>
    Linux,
}

/// <summary>How scripts are run.</summary>
public sealed record ScenarioOptions
{
    /// <summary>The defaults.</summary>
    public static ScenarioOptions Default { get; } = new();

    /// <summary>Whose choices the script expects.</summary>
    public ScenarioProfile Profile { get; init; }

    /// <summary>Settings as in a script's <c>--</c> lines, which these go before.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Words that stand for others, as <c>--define</c> makes them.</summary>
    public IReadOnlyDictionary<string, string> Defines { get; init; } = new Dictionary<string, string>();

    /// <summary>The folder that set-up commands are relative to, or null: shell scripts they name are not read.</summary>
    public string? Folder { get; init; }
}

namespace Baton.Endurance;

/// <summary>What a run is asked for.</summary>
internal sealed record Settings
{
    /// <summary>How long nodes are drained and killed; what is under way then is finished.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>Connections that are open at a time.</summary>
    public required int Connections { get; init; }

    /// <summary>Probability that a frame between client and farm is lost, each way.</summary>
    public required double Loss { get; init; }

    /// <summary>What is drained and killed, and when, follows from it; what the kernel makes of it does not.</summary>
    public required int Seed { get; init; }
}

/// <summary>A connection that should have gone on did not, or the run itself could not.</summary>
internal sealed class EnduranceException(string message) : Exception(message);

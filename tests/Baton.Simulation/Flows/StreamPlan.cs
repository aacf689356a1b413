namespace Baton.Simulation;

/// <summary>What one TCP flow does.</summary>
internal sealed record StreamPlan
{
    /// <summary>Names the bytes of both directions.</summary>
    public required ulong Key { get; init; }

    /// <summary>Bytes from the client.</summary>
    public required long Up { get; init; }

    /// <summary>Bytes to the client.</summary>
    public required long Down { get; init; }

    /// <summary>The service.</summary>
    public required ushort Port { get; init; }

    /// <summary>Whether the client closes its direction as soon as it has sent all, or only when it has received all.</summary>
    public bool ClientClosesEarly { get; init; }

    /// <summary>The same of the farm's application.</summary>
    public bool FarmClosesEarly { get; init; }

    /// <summary>When the client stops reading for a while.</summary>
    public ReadingPause? ClientPause { get; init; }

    /// <summary>When the farm's application stops reading for a while.</summary>
    public ReadingPause? FarmPause { get; init; }

    /// <summary>Bytes that the application has taken but not used when it hands the connection off.</summary>
    public int UnreadAtMove { get; init; }
}

/// <summary>A reader that stops.</summary>
/// <param name="At">After so many bytes.</param>
/// <param name="Length">For so long.</param>
internal sealed record ReadingPause(long At, TimeSpan Length);

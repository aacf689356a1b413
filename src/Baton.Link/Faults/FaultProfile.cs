namespace Baton.Link;

/// <summary>What goes wrong, and how slowly things go, in one direction of a link. Probabilities are 0 to 1, per frame.</summary>
public sealed record FaultProfile
{
    /// <summary>Everything arrives at once and whole.</summary>
    public static FaultProfile Perfect { get; } = new();

    /// <summary>Probability that a frame is lost.</summary>
    public double Loss { get; init; }

    /// <summary>Probability that a frame arrives twice.</summary>
    public double Duplication { get; init; }

    /// <summary>Probability that one bit of an IP packet arrives changed (as if the link's own check had missed it).</summary>
    public double Corruption { get; init; }

    /// <summary>Probability that a frame is kept back by <see cref="ReorderDelay"/> while later ones pass it.</summary>
    public double Reordering { get; init; }

    /// <summary>How long a reordered frame is kept back.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How long every frame takes.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Each frame takes up to this much longer, evenly distributed; frames may pass each other.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Bits per second, or 0 for no limit.</summary>
    public long Bandwidth { get; init; }

    /// <summary>Most bytes that wait for the bandwidth; what comes on top is dropped.</summary>
    public int QueueBytes { get; init; } = 1 << 20;

    internal bool IsPerfect =>
        Loss <= 0 && Duplication <= 0 && Corruption <= 0 && Reordering <= 0 && Delay == TimeSpan.Zero && Jitter == TimeSpan.Zero && Bandwidth <= 0;
}

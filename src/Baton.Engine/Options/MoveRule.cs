namespace Baton.Engine;

/// <summary>
/// The rule that asks for moves of placed endpoints by the state of source or target (R29): when this node is
/// overloaded or another is idle. A node's load is its live connections over its
/// weight. Threshold, rate and dwell keep connections from going round in circles.
/// </summary>
public sealed record MoveRule
{
    /// <summary>How often the states are compared.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Live connections above which this node is overloaded.</summary>
    public uint OverloadedConnections { get; init; } = uint.MaxValue;

    /// <summary>Queued bytes above which this node is overloaded.</summary>
    public ulong OverloadedQueue { get; init; } = ulong.MaxValue;

    /// <summary>Processor time in thousandths of a core above which this node is overloaded.</summary>
    public uint OverloadedCpu { get; init; } = uint.MaxValue;

    /// <summary>A member with at most so many live connections is idle and attracts connections; null for never.</summary>
    public uint? IdleConnections { get; init; }

    /// <summary>So many connections more than the target are needed before one is asked to go.</summary>
    public uint Margin { get; init; } = 2;

    /// <summary>Moves asked for in one <see cref="Interval"/> at most.</summary>
    public int MovesPerInterval { get; init; } = 1;

    /// <summary>An endpoint stays at least so long where it is.</summary>
    public TimeSpan MinimumDwell { get; init; } = TimeSpan.FromSeconds(5);
}

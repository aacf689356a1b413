namespace Baton.Wire;

/// <summary>
/// A member's load as one number, in connections: what its users care for is how many live connections it serves, how
/// much work waits in their queues, and how busy its processor is; the last two are expressed in the connections they
/// weigh as much as.
/// </summary>
/// <param name="Connections">The load; one idle connection is 1.</param>
public readonly record struct LoadScore(ulong Connections) : IComparable<LoadScore>
{
    /// <summary>Queued bytes that weigh as much as one connection.</summary>
    public const uint QueuedBytesPerConnection = 64 * 1024;

    /// <summary>Thousandths of a core that weigh as much as one connection.</summary>
    public const uint CpuPermillePerConnection = 20;

    /// <summary>The load of a member.</summary>
    public static LoadScore Of(in MemberState state) => new(
        state.LiveConnections + state.QueuedBytes / QueuedBytesPerConnection + state.CpuPermille / CpuPermillePerConnection);

    /// <summary>Whether <paramref name="left"/> is less loaded.</summary>
    public static bool operator <(LoadScore left, LoadScore right) => left.Connections < right.Connections;

    /// <summary>Whether <paramref name="left"/> is more loaded.</summary>
    public static bool operator >(LoadScore left, LoadScore right) => left.Connections > right.Connections;

    /// <summary>Whether <paramref name="left"/> is less loaded or as loaded.</summary>
    public static bool operator <=(LoadScore left, LoadScore right) => left.Connections <= right.Connections;

    /// <summary>Whether <paramref name="left"/> is more loaded or as loaded.</summary>
    public static bool operator >=(LoadScore left, LoadScore right) => left.Connections >= right.Connections;

    /// <inheritdoc/>
    public int CompareTo(LoadScore other) => Connections.CompareTo(other.Connections);

    /// <inheritdoc/>
    public override string ToString() => Connections.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

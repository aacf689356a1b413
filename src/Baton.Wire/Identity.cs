using System.Globalization;

namespace Baton.Wire;

/// <summary>A node of the farm: its number in the member list, 1 to 65535. 0 is no node.</summary>
public readonly record struct NodeId(ushort Value) : IComparable<NodeId>
{
    /// <summary>No node.</summary>
    public static NodeId None => default;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Names an endpoint at its owner: 64 random bits that the owner chose, fresh for each ownership. Whoever does not know
/// the id cannot inject. 0 is no endpoint.
/// </summary>
public readonly record struct EndpointId(ulong Value)
{
    /// <summary>No endpoint.</summary>
    public static EndpointId None => default;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>The ownership number of a flow: rises with each change of owner, and never returns.</summary>
public readonly record struct Epoch(uint Value) : IComparable<Epoch>
{
    /// <summary>The epoch of a flow's first owner.</summary>
    public static Epoch First => new(1);

    /// <summary>The epoch <paramref name="steps"/> later.</summary>
    public static Epoch operator +(Epoch epoch, uint steps) => new(epoch.Value + steps);

    /// <summary>Whether <paramref name="left"/> is older.</summary>
    public static bool operator <(Epoch left, Epoch right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is newer.</summary>
    public static bool operator >(Epoch left, Epoch right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is older or the same.</summary>
    public static bool operator <=(Epoch left, Epoch right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is newer or the same.</summary>
    public static bool operator >=(Epoch left, Epoch right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(Epoch other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Names one run of the handoff protocol: 64 random bits chosen by the source. 0 is no handoff.</summary>
public readonly record struct HandoffId(ulong Value)
{
    /// <summary>No handoff.</summary>
    public static HandoffId None => default;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>
/// The number of one node's time as home of one service address: each next home, also the same node started anew, has a
/// higher one. 0 is no home yet.
/// </summary>
public readonly record struct HomeIncarnation(ulong Value) : IComparable<HomeIncarnation>
{
    /// <summary>The incarnation of the home that follows.</summary>
    public HomeIncarnation Next => new(Value + 1);

    /// <summary>Whether <paramref name="left"/> is older.</summary>
    public static bool operator <(HomeIncarnation left, HomeIncarnation right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is newer.</summary>
    public static bool operator >(HomeIncarnation left, HomeIncarnation right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is older or the same.</summary>
    public static bool operator <=(HomeIncarnation left, HomeIncarnation right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is newer or the same.</summary>
    public static bool operator >=(HomeIncarnation left, HomeIncarnation right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(HomeIncarnation other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace Baton.Simulation;

/// <summary>What of a seed is left out, to make a failure shorter: what is left happens as it would, as far as that can be.</summary>
/// <param name="Flows">No more flows than so many, the first ones.</param>
/// <param name="Moves">No more moves are asked for than so many.</param>
/// <param name="Strikes">The strikes that are kept, a bit for each.</param>
internal sealed record RunLimits(int Flows, int Moves, uint Strikes)
{
    /// <summary>Nothing is left out.</summary>
    public static RunLimits None { get; } = new(int.MaxValue, int.MaxValue, uint.MaxValue);

    /// <summary>Whether a strike is kept.</summary>
    public bool Keeps(int strike) => (Strikes >> strike & 1) != 0;

    /// <summary>As options of the command.</summary>
    public override string ToString() => string.Concat(
        Flows < int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $" --flows {Flows}") : "",
        Moves < int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $" --moves {Moves}") : "",
        Strikes < uint.MaxValue ? string.Create(CultureInfo.InvariantCulture, $" --strikes {Strikes}") : "");
}

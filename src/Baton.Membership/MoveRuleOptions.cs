using Baton.Wire;

namespace Baton.Membership;

/// <summary>When a node asks for moves by itself. Loads are <see cref="LoadScore"/>s. Without thresholds nothing moves.</summary>
public sealed record MoveRuleOptions
{
    /// <summary>A source with more load than this gives connections away; null for never.</summary>
    public ulong? OverloadedAbove { get; init; }

    /// <summary>A target with no more load than this is given connections; null for never.</summary>
    public ulong? IdleUpTo { get; init; }

    /// <summary>The least difference between source and target for a move: what moved must not be worth moving back.</summary>
    public ulong MinimumGap { get; init; } = 8;

    /// <summary>The most moves asked for in a second, 1 to 100,000.</summary>
    public int MovesPerSecond { get; init; } = 10;

    /// <summary>How long a connection stays where it came to before this rule moves it.</summary>
    public TimeSpan MinimumDwell { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Every option that makes no sense, as a message that says what to write instead.</summary>
    public IEnumerable<string> Errors()
    {
        if (MovesPerSecond is < 1 or > 100_000)
        {
            yield return $"moves: movesPerSecond is {MovesPerSecond}; write 1 to 100000, or leave the thresholds out to move nothing.";
        }

        if (MinimumGap < 2)
        {
            yield return $"moves: minimumGap is {MinimumGap}; write 2 or more, or connections go to and fro.";
        }

        if (MinimumDwell < TimeSpan.Zero)
        {
            yield return "moves: minimumDwell is negative; write 0 or more.";
        }

        if (OverloadedAbove is { } overloaded && IdleUpTo is { } idle && idle >= overloaded)
        {
            yield return $"moves: idleUpTo ({idle}) is not below overloadedAbove ({overloaded}); an idle node cannot be overloaded.";
        }
    }
}

using Baton.Handoff;

namespace Baton.Engine;

/// <summary>What came of <see cref="BatonEngine.TakeOverAsync"/>.</summary>
/// <param name="Result">Whether the addresses are this node's, or why not.</param>
/// <param name="By">The member that spoke against it, or null.</param>
/// <param name="Addresses">The service addresses that were taken.</param>
public sealed record TakeoverOutcome(TakeoverResult Result, string? By, IReadOnlyList<string> Addresses);

using System.Diagnostics.CodeAnalysis;

namespace Baton.Director;

/// <summary>The policies by the names that configuration gives them.</summary>
public static class SelectionPolicies
{
    /// <summary>The policy of a service that names none.</summary>
    public const string Default = "least-of-two";

    /// <summary>The names there are.</summary>
    public static IReadOnlyList<string> Names { get; } = [Default, "weighted", "round-robin", "rendezvous"];

    /// <summary>A policy of its own for one service.</summary>
    public static bool TryCreate(string name, [NotNullWhen(true)] out ISelectionPolicy? policy)
    {
        policy = name switch
        {
            Default => new LeastOfTwo(),
            "weighted" => new Weighted(),
            "round-robin" => new RoundRobin(),
            "rendezvous" => new Rendezvous(),
            _ => null,
        };
        return policy is not null;
    }
}

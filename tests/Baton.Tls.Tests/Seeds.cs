namespace Baton.Tls.Tests;

/// <summary>Seeded randomness. BATON_SEED replays a run; failures name the seed.</summary>
internal static class Seeds
{
    public static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("BATON_SEED"), out int seed) ? seed : 20261122;

    public static string Replay => $"Replay with BATON_SEED={Seed}";
}

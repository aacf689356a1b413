namespace Baton.Testing;

/// <summary>The short form of long tests, asked for by BATON_QUICK=1.</summary>
internal static class QuickForm
{
    private static readonly bool s_asked = Environment.GetEnvironmentVariable("BATON_QUICK") == "1";

    /// <summary>How much a test does of what it repeats.</summary>
    public static int Or(int whole, int quick) => s_asked ? quick : whole;
}

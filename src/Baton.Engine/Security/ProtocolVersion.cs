namespace Baton.Engine;

/// <summary>
/// The version of what nodes say to each other. Nodes of one major version understand each other and both speak the lower
/// minor one; what a higher minor version adds stands at the end of a message and is skipped by who does not know it.
/// </summary>
internal static class ProtocolVersion
{
    /// <summary>Another one is refused.</summary>
    public const byte Major = 2;

    /// <summary>Rises with what is added.</summary>
    public const byte Minor = 0;

    /// <summary>The minor version that both speak.</summary>
    public static byte Common(byte peer) => Math.Min(Minor, peer);

    /// <summary>Whether a message of the peer's minor version may have that length, where this version's has <paramref name="known"/>.</summary>
    public static bool Fits(byte peer, int length, int known) => peer > Minor ? length >= known : length == known;
}

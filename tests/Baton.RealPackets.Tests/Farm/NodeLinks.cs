using Baton.Link;

namespace Baton.RealPackets.Tests;

/// <summary>The kind of link that nodes have in all tests that do not choose: <c>BATON_LINK</c> names another than TAP.</summary>
internal static class NodeLinks
{
    public static LinkKind Kind { get; } =
        Enum.TryParse<LinkKind>(Environment.GetEnvironmentVariable("BATON_LINK"), ignoreCase: true, out var named) ? named : LinkKind.Tap;

    /// <summary>As the configuration spells it.</summary>
    public static string Name => Kind.ToString().ToLowerInvariant();
}

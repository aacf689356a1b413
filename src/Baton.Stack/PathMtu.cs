namespace Baton.Stack;

/// <summary>What a "fragmentation needed" or "packet too big" says about a path (RFC 1191, RFC 8201).</summary>
internal static class PathMtu
{
    /// <summary>Nothing smaller is believed: a forged error must not make us send crumbs (RFC 5927 §7.2).</summary>
    public const int Minimum = 552;

    /// <summary>Every IPv6 link has this (RFC 8200 §5).</summary>
    public const int MinimumV6 = 1280;

    /// <summary>The path's MTU from now on. An old router that names none means the next plateau (RFC 1191 §7).</summary>
    public static int Lower(int current, uint announced)
    {
        uint mtu = announced != 0 ? announced : Plateau(current);
        return (int)Math.Min((uint)current, Math.Max(Minimum, mtu));
    }

    private static uint Plateau(int current) => current switch
    {
        > 17914 => 17914,
        > 8166 => 8166,
        > 4352 => 4352,
        > 2002 => 2002,
        > 1492 => 1492,
        > 1006 => 1006,
        _ => Minimum,
    };
}

namespace Baton.Wire;

/// <summary>What in an IPv6 packet makes no sense, as a Parameter Problem tells it (RFC 4443 §3.4, RFC 8200 §4).</summary>
/// <param name="Code">0 erroneous field, 1 unrecognised next header, 2 unrecognised option, 3 first fragment without all headers (RFC 7112).</param>
/// <param name="Pointer">Where, in bytes from the IPv6 header's first.</param>
/// <param name="EvenToGroups">Whether it is told also when the packet went to a group (RFC 8200 §4.2, option types 10).</param>
public readonly record struct Ipv6Problem(byte Code, uint Pointer, bool EvenToGroups = false)
{
    /// <summary>Code of an erroneous field.</summary>
    public const byte BadField = 0;

    /// <summary>Code of an unrecognised next header.</summary>
    public const byte UnknownNextHeader = 1;

    /// <summary>Code of an unrecognised option.</summary>
    public const byte UnknownOption = 2;

    /// <summary>Code of a first fragment that has not all headers.</summary>
    public const byte IncompleteChain = 3;

    /// <summary>
    /// Walks a packet's headers once more to find what is to be told about it: what made its parsing fail, or of one that
    /// parses the next header that the caller does not speak. False when the RFCs want silence.
    /// </summary>
    public static bool TryFind(ReadOnlySpan<byte> packet, out Ipv6Problem problem) => Ipv6Parser.TryFindProblem(packet, out problem);
}

using Baton.Wire;

namespace Baton.Director;

/// <summary>
/// Geneve (RFC 8926) over UDP with the reference as its one option: outer Ethernet, IP and UDP, the reference, and the
/// client's packet unchanged.
/// </summary>
public static class Encapsulation
{
    /// <summary>The UDP port that encapsulated packets are sent to (RFC 8926 §3.3).</summary>
    public const ushort Port = 6081;

    /// <summary>The outer UDP source port of a flow, 49152 to 65535: the flow's hash, so that paths and queues spread (RFC 8926 §3.3).</summary>
    public static ushort SourcePort(ulong flowHash) => (ushort)(49152 + (flowHash & 0x3FFF));
}

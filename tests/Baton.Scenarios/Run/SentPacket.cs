using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>A packet that left the stack under test, and when.</summary>
internal sealed record SentPacket(Instant Time, IpPacket Ip, byte[] Bytes)
{
    /// <summary>Whether more of the stream than it holds was written when it left.</summary>
    public bool HasMoreBehind { get; set; }

    /// <summary>What follows the IP header.</summary>
    public ReadOnlySpan<byte> Transport => Ip.Payload(Bytes);
}

using Baton.Membership;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The ports on which members speak to each other, beside <see cref="GeneveHeader.Port"/>.</summary>
internal static class LanPorts
{
    /// <summary>Whether a packet is to one of them: only a member may send it.</summary>
    public static bool AreForMembers(in IpPacket packet) =>
        packet.HasPorts && packet.DestinationPort is PeerChannels.Port or LoadDatagram.Port or StreamKeyAgreement.Port;
}

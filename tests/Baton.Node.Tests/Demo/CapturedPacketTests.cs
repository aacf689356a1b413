using Baton.Node.Demo;
using Baton.Wire;

namespace Baton.Node.Tests.Demo;

public sealed class CapturedPacketTests
{
    // Ethernet and IPv4 of 1500 bytes, TCP 80 to 40001 with 12 bytes of options and RST; cut after the TCP header.
    private static readonly byte[] Frame = Convert.FromHexString(
        "020000000001" + "020000000002" + "0800"
        + "450005dc" + "00004000" + "40060000"
        + "c6336465" + "cb007102"
        + "0050" + "9c41" + "00000001" + "00000002" + "8014" + "ffff" + "00000000" + "0101080a0000000100000002");

    [Fact]
    public void Lengths_are_those_on_the_wire_although_the_frame_was_cut()
    {
        var packet = CapturedPacket.OfFrame(Frame);
        Assert.NotNull(packet);
        Assert.Equal(IpProtocol.Tcp, packet.Value.Protocol);
        Assert.Equal("198.51.100.101", packet.Value.Source.ToString());
        Assert.Equal("203.0.113.2", packet.Value.Destination.ToString());
        Assert.Equal(80, packet.Value.SourcePort);
        Assert.Equal(40_001, packet.Value.DestinationPort);
        Assert.Equal(1500 - 20 - 32, packet.Value.PayloadLength);
        Assert.True(packet.Value.IsReset);
        Assert.False(packet.Value.IsEncapsulated);
    }

    [Fact]
    public void No_cut_throws()
    {
        for (int length = 0; length <= Frame.Length; length++)
        {
            _ = CapturedPacket.OfFrame(Frame.AsSpan(0, length));
            _ = CapturedPacket.InnerOfFrame(Frame.AsSpan(0, length));
        }
    }
}

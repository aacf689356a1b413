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

    // The same with IPv6; a header whose payload length is 1460 and whose next header is TCP.
    private static readonly byte[] FrameV6 = Convert.FromHexString(
        "020000000001" + "020000000002" + "86dd"
        + "60000000" + "05b4" + "06" + "40"
        + "20010db8000100000000000000000101" + "20010db8000300000000000000000002"
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
    public void An_IPv6_packet_is_read_the_same_way()
    {
        var packet = CapturedPacket.OfFrame(FrameV6);
        Assert.NotNull(packet);
        Assert.Equal("2001:db8:1::101", packet.Value.Source.ToString());
        Assert.Equal("2001:db8:3::2", packet.Value.Destination.ToString());
        Assert.Equal((80, 40_001, 1460 - 32), (packet.Value.SourcePort, packet.Value.DestinationPort, packet.Value.PayloadLength));
        Assert.True(packet.Value.IsReset);
    }

    [Fact]
    public void What_is_encapsulated_is_read_whatever_the_families()
    {
        byte[] geneve = [.. new byte[2], 0x17, 0xC1, .. new byte[4], 2, 0, 0, 0, .. new byte[4], .. new byte[8]];
        foreach (byte[] inner in (byte[][])[Frame[14..], FrameV6[14..]])
        {
            byte[] v4 = [.. Frame[..14], .. Frame[14..34], .. geneve, .. inner];
            byte[] v6 = [.. FrameV6[..14], .. FrameV6[14..54], .. geneve, .. inner];
            (v4[14 + 9], v6[14 + 6]) = ((byte)IpProtocol.Udp, (byte)IpProtocol.Udp);
            foreach (byte[] frame in (byte[][])[v4, v6])
            {
                Assert.True(CapturedPacket.OfFrame(frame)?.IsEncapsulated);
                Assert.Equal(40_001, CapturedPacket.InnerOfFrame(frame)?.DestinationPort);
            }
        }
    }

    [Fact]
    public void No_cut_throws()
    {
        foreach (byte[] frame in (byte[][])[Frame, FrameV6])
        {
            for (int length = 0; length <= frame.Length; length++)
            {
                _ = CapturedPacket.OfFrame(frame.AsSpan(0, length));
                _ = CapturedPacket.InnerOfFrame(frame.AsSpan(0, length));
            }
        }
    }
}

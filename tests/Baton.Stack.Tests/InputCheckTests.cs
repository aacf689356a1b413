using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class InputCheckTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToWeb = new(Host.ServiceAddress, 80, Host.Client, 40_000);

    [Fact]
    public void A_frame_for_another_station_is_ignored()
    {
        var host = Host.AtHome();
        Assert.Equal(DropReason.NotOurMac, host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn).To(Host.OtherNodeMac)));
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void A_packet_for_another_address_is_dropped_without_an_answer()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        var elsewhere = ToWeb with { LocalAddress = InetAddress.Parse("198.51.100.77") };
        Assert.Equal(DropReason.IpNotOurAddress, host.Receive(Start, Frames.Tcp(elsewhere, TcpFlags.Syn)));
        Assert.Empty(host.Emit(Start));
        Assert.Equal(1, host.Stack.Drops[DropReason.IpNotOurAddress]);
    }

    [Fact]
    public void A_node_that_is_not_home_drops_a_service_addresss_packets_and_never_resets()
    {
        var host = new Host(Host.OtherNode, Host.NodeMac).Knowing(Host.Client, Host.ClientMac);
        Assert.Equal(DropReason.IpNotOurAddress, host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Ack, 1, 1)));
        Assert.Empty(host.Emit(Start));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("127.0.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("198.51.100.255")]
    [InlineData("198.51.100.0")]
    [InlineData("198.51.100.11")]
    [InlineData("198.51.100.101")]
    public void A_source_that_no_host_may_use_is_dropped(string source)
    {
        var host = Host.AtHome();
        var tuple = ToWeb with { RemoteAddress = InetAddress.Parse(source) };
        Assert.Equal(DropReason.IpMartianSource, host.Receive(Start, Frames.Tcp(tuple, TcpFlags.Syn)));
        Assert.Empty(host.Stack.Endpoints);
    }

    [Fact]
    public void A_wrong_transport_checksum_makes_no_endpoint_and_no_answer()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        Assert.Equal(DropReason.TcpBadChecksum, host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Syn).Damaged()));
        Assert.Equal(DropReason.TcpBadChecksum, host.Receive(Start, Frames.Tcp(ToWeb, TcpFlags.Ack).Damaged()));
        var toDns = ToWeb with { LocalPort = 53 };
        Assert.Equal(DropReason.UdpBadChecksum, host.Receive(Start, Frames.Udp(toDns, 1, 2).Damaged()));
        Assert.Empty(host.Stack.Endpoints);
        Assert.Empty(host.Emit(Start));
    }

    [Theory]
    [InlineData(ChecksumState.Verified)]
    [InlineData(ChecksumState.Partial)]
    public void A_checksum_that_the_link_vouches_for_is_not_verified_again(ChecksumState state)
    {
        var host = Host.AtHome();
        var frame = Frames.Udp(ToWeb with { LocalPort = 53 }, 1, 2).Damaged() with { Offload = new FrameOffload(state, GsoType.None, 0) };
        Assert.Equal(DropReason.None, host.Receive(Start, frame));
        Assert.Single(host.Stack.Endpoints);
    }

    [Fact]
    public void Bytes_that_mean_nothing_never_throw()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
            for (int i = 0; i < 50; i++)
            {
                // A sound IP header around a random payload gets past the first checks; a damaged frame tries those.
                var protocol = (IpProtocol)(random.Next(3) switch { 0 => 1, 1 => 6, _ => 17 });
                var payload = new byte[random.Next(120)];
                random.NextBytes(payload);
                var frame = Frames.Ip(protocol, Host.Client, random.Next(2) == 0 ? Host.Node : Host.ServiceAddress, payload);
                frame.Bytes[random.Next(12, frame.Bytes.Length)] ^= (byte)random.Next(256);
                try
                {
                    host.Receive(Start, frame with { Offload = new FrameOffload((ChecksumState)random.Next(3), GsoType.None, 0) });
                    host.Emit(Start);
                }
                catch (Exception failure) when (failure is not Xunit.Sdk.XunitException)
                {
                    Assert.Fail($"seed {seed}: {failure}");
                }
            }
        }
    }
}

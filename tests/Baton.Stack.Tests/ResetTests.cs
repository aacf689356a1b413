using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>RFC 9293 §3.10.7.1: what segments of no connection are answered.</summary>
public sealed class ResetTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple Closed = new(Host.Node, 9, Host.Client, 40_000);
    private static readonly FourTuple Web = new(Host.ServiceAddress, 80, Host.Client, 40_000);

    [Fact]
    public void With_ack_the_reset_takes_its_sequence_number_from_the_acknowledgment()
    {
        var reset = Answer(Frames.Tcp(Closed, TcpFlags.Ack, 100, 5000, [1, 2, 3]));
        Assert.Equal(TcpFlags.Rst, reset.Flags);
        Assert.Equal(new SeqNum(5000), reset.Sequence);
    }

    [Fact]
    public void Without_ack_it_has_sequence_number_zero_and_acknowledges_all_that_the_segment_used()
    {
        var reset = Answer(Frames.Tcp(Closed, TcpFlags.Syn | TcpFlags.Fin, 100, 0, [1, 2, 3]));
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, reset.Flags);
        Assert.Equal(new SeqNum(0), reset.Sequence);
        Assert.Equal(new SeqNum(105), reset.Acknowledgment);
    }

    [Fact]
    public void A_reset_is_never_answered()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(Closed, TcpFlags.Rst | TcpFlags.Ack, 1, 1));
        Assert.Empty(host.Emit(Start));
    }

    [Theory]
    [InlineData(TcpFlags.Ack)]
    [InlineData(TcpFlags.Syn | TcpFlags.Ack)]
    [InlineData(TcpFlags.Fin | TcpFlags.Ack)]
    public void Only_a_syn_makes_an_endpoint_of_a_service_and_an_ack_is_reset_from_the_service_address(TcpFlags flags)
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(Web, flags, 1, 1));
        Assert.Null(host.Created);
        var reset = host.EmitOne(Start);
        Assert.True(reset.Tcp.Has(TcpFlags.Rst));
        Assert.Equal(Host.ServiceAddress, reset.Packet.Source);
    }

    /// <summary>RFC 9293 §3.10.7.2: what has neither belongs to no connection that a service ever had.</summary>
    [Theory]
    [InlineData(TcpFlags.None)]
    [InlineData(TcpFlags.Fin)]
    [InlineData(TcpFlags.Fin | TcpFlags.Psh | TcpFlags.Urg)]
    [InlineData(TcpFlags.Syn | TcpFlags.Fin)]
    public void A_segment_that_neither_opens_nor_acknowledges_is_dropped_by_a_service(TcpFlags flags)
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(Web, flags, 1, 1));
        Assert.Null(host.Created);
        Assert.Empty(host.Emit(Start));
    }

    [Fact]
    public void A_port_of_the_service_address_that_is_no_service_is_reset()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(Web with { LocalPort = 81 }, TcpFlags.Syn, 1));
        Assert.True(host.EmitOne(Start).Tcp.Has(TcpFlags.Rst));
        Assert.Equal((1, 0), (host.Stack.ResetsSent, host.Stack.HostResetsSent));
    }

    [Fact]
    public void A_reset_from_an_own_address_is_counted_apart_from_those_to_clients()
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, Frames.Tcp(Web with { LocalAddress = Host.Node, LocalPort = 81 }, TcpFlags.Syn, 1));
        Assert.True(host.EmitOne(Start).Tcp.Has(TcpFlags.Rst));
        Assert.Equal((0, 1), (host.Stack.ResetsSent, host.Stack.HostResetsSent));
    }

    [Fact]
    public void Resets_are_bounded_in_rate()
    {
        var host = Host.AtHome(new StackLimits { ResetsPerSecond = 100 }).Knowing(Host.Client, Host.ClientMac);
        for (int i = 0; i < 50; i++)
        {
            host.Receive(Start, Frames.Tcp(Closed, TcpFlags.Ack, 1, 1));
        }

        Assert.Equal(10, host.Emit(Start).Count);
        Assert.Equal(40, host.Stack.Drops[DropReason.RateLimited]);
    }

    private static TcpHeader Answer(Frame frame)
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac);
        host.Receive(Start, frame);
        var reset = host.EmitOne(Start);
        Assert.Equal(Host.Client, reset.Packet.Destination);
        Assert.Equal((ushort)9, reset.Tcp.SourcePort);
        Assert.Equal((ushort)40_000, reset.Tcp.DestinationPort);
        return reset.Tcp;
    }
}

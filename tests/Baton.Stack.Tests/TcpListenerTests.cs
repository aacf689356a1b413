using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class TcpListenerTests
{
    private const ushort Port = 6082;

    [Fact]
    public void Two_nodes_connect_by_their_own_addresses()
    {
        var (a, b, network) = TwoNodes();
        var listener = b.Stack.Listen(b.Address, Port, backlog: 4);
        var atA = a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, b.Address, Port))!;
        network.Run();

        Assert.True(listener.TryAccept(out var atB));
        Assert.Equal(atA.Flow.Tuple, atB.Flow.Tuple.Reversed);
        Assert.Equal(EndpointId.None, atB.Id);
        Assert.Same(listener, atB.Listener);
        Assert.Equal(0, listener.Pending);
        Assert.True(a.TakeEvents()[atA].HasFlag(EndpointEvents.Established));

        atA.Write(network.Now, "over"u8);
        atA.CloseWrite(network.Now);
        network.Run();
        Span<byte> buffer = stackalloc byte[10];
        Assert.Equal(4, atB.Read(network.Now, buffer));
        Assert.True(atB.Connection!.ReadCompleted);
        atB.CloseWrite(network.Now);
        network.Run(TimeSpan.FromMinutes(2));
        Assert.Empty(a.Stack.Endpoints);
        Assert.Empty(b.Stack.Endpoints);
        a.Pool.AssertNoneLent();
        b.Pool.AssertNoneLent();
    }

    [Fact]
    public void A_listener_chooses_the_congestion_control_of_its_connections()
    {
        var (a, b, network) = TwoNodes();
        var listener = b.Stack.Listen(b.Address, Port, backlog: 4);
        listener.Congestion = CongestionAlgorithm.Bbr;
        var atA = a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, b.Address, Port))!;
        network.Run();
        Assert.True(listener.TryAccept(out var atB));
        Assert.Equal((CongestionAlgorithm.Bbr, CongestionAlgorithm.Cubic), (atB.Connection!.Congestion, atA.Connection!.Congestion));

        // Paced: what the application wrote at once leaves by the stack's deadlines.
        var data = new byte[500_000];
        new Random(4).NextBytes(data);
        Assert.Equal(data.Length, atB.Write(network.Now, data));
        var received = new byte[data.Length];
        int length = 0;
        for (int i = 0; i < 100 && length < data.Length; i++)
        {
            network.Run(TimeSpan.FromMilliseconds(100));
            length += atA.Read(network.Now, received.AsSpan(length));
        }

        Assert.True(data.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public void A_port_that_nobody_listens_on_refuses()
    {
        var (a, b, network) = TwoNodes();
        var atA = a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, b.Address, Port))!;
        network.Run();
        Assert.Equal(TcpCloseReason.Refused, atA.Connection!.CloseReason);
        Assert.True(a.TakeEvents()[atA].HasFlag(EndpointEvents.Closed));
        Assert.Empty(a.Stack.Endpoints);
    }

    [Fact]
    public void The_backlog_is_bounded_and_room_comes_back_with_accept()
    {
        var (a, b, network) = TwoNodes();
        var listener = b.Stack.Listen(b.Address, Port, backlog: 2);
        for (int i = 0; i < 3; i++)
        {
            a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, b.Address, Port));
            network.Run();
        }

        Assert.Equal(2, listener.Pending);
        Assert.Equal(1, b.Stack.Drops[DropReason.BacklogFull]);
        Assert.True(listener.TryAccept(out _));
        network.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(2, listener.Pending);
        Assert.Equal(3, b.Stack.Endpoints.Count);
    }

    [Fact]
    public void A_listener_that_ends_resets_what_nobody_accepted()
    {
        var (a, b, network) = TwoNodes();
        var listener = b.Stack.Listen(b.Address, Port, backlog: 2);
        var atA = a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, b.Address, Port))!;
        network.Run();
        b.Stack.Unlisten(network.Now, listener);
        network.Run();
        Assert.Equal(TcpCloseReason.ResetByPeer, atA.Connection!.CloseReason);
        Assert.Empty(b.Stack.Endpoints);
        Assert.False(listener.TryAccept(out _));
    }

    [Fact]
    public void A_connect_to_a_neighbour_that_is_not_there_gives_up()
    {
        var (a, _, network) = TwoNodes();
        var atA = a.Stack.Connect(network.Now, new FourTuple(a.Address, 0, InetAddress.Parse("198.51.100.77"), Port))!;
        network.Run(TimeSpan.FromMinutes(10));
        Assert.Equal(TcpCloseReason.TimedOut, atA.Connection!.CloseReason);
        Assert.Empty(a.Stack.Endpoints);
    }

    private static (Host A, Host B, Network Network) TwoNodes()
    {
        var a = new Host(Host.Node, Host.NodeMac);
        var b = new Host(Host.OtherNode, Host.OtherNodeMac);
        return (a, b, new Network(a, b));
    }
}

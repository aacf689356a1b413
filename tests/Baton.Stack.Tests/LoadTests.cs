using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>What the endpoints of services are to their node is counted as it changes.</summary>
public sealed class LoadTests
{
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);

    [Fact]
    public void A_connection_is_load_from_its_SYN_on_with_its_unread_bytes_and_not_in_TIME_WAIT()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, home);
        Assert.Equal(new EndpointLoad(1, 0), home.Stack.Load);

        atClient.Write(network.Now, new byte[3000]);
        network.Run();
        Assert.Equal(new EndpointLoad(1, 3000), home.Stack.Load);

        endpoint.Read(network.Now, new byte[1000]);
        endpoint.Consume(network.Now, 500);
        Assert.Equal(new EndpointLoad(1, 1500), home.Stack.Load);

        endpoint.Read(network.Now, new byte[1500]);
        endpoint.Close(network.Now);
        network.Run();
        atClient.Close(network.Now);
        network.Run();
        Assert.Equal(TcpState.TimeWait, endpoint.Connection!.State);
        Assert.Equal(default, home.Stack.Load);
        Assert.Equal(default, client.Stack.Load);
    }

    [Fact]
    public void Whoever_owns_a_connection_that_moves_has_its_load()
    {
        var network = Network.OfClientAndHome(out var client, out var source);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, source);
        atClient.Write(network.Now, new byte[700]);
        network.Run();
        var target = new Host(Host.OtherNode, Host.OtherNodeMac).Knowing(Host.Client, Host.ClientMac);
        source.Stack.Freeze(network.Now, endpoint);
        Assert.Equal(new EndpointLoad(1, 700), source.Stack.Load);

        target.Stack.TryCreateEmbryo(network.Now, endpoint.Flow, Host.Web, new EndpointId(9), new Epoch(2), out var embryo);
        Assert.Equal(InstallResult.Installed, target.Stack.Install(network.Now, embryo!, endpoint.ToImage(network.Now)));
        Assert.Equal(default, target.Stack.Load);

        target.Stack.IssueReference(embryo!, new Epoch(2));
        target.Stack.Activate(network.Now, embryo!);
        source.Stack.Remove(endpoint);
        Assert.Equal(new EndpointLoad(1, 700), target.Stack.Load);
        Assert.Equal(default, source.Stack.Load);
    }

    [Fact]
    public void A_reset_takes_a_connection_and_its_unread_bytes_off_the_load()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, _) = TcpServiceTests.Connected(network, client, home);
        atClient.Write(network.Now, new byte[100]);
        network.Run();
        atClient.Abort(network.Now);
        network.Run();
        Assert.Equal(default, home.Stack.Load);
    }

    [Fact]
    public void Datagrams_are_load_until_they_are_read_and_a_flow_until_it_is_closed()
    {
        var host = Host.AtHome();
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 1, 2, 3));
        var endpoint = (UdpEndpoint)host.Created!;
        host.Receive(Instant.Zero, Frames.Udp(ToDns, 4));
        Assert.Equal(new EndpointLoad(1, 4), host.Stack.Load);

        endpoint.TryReceive(new byte[1], out _, out _, out _);
        Assert.Equal(new EndpointLoad(1, 1), host.Stack.Load);

        endpoint.Close();
        Assert.Equal(default, host.Stack.Load);
    }
}

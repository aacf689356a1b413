using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

public class ClosingTests
{
    [Fact]
    public void A_client_that_never_reads_does_not_keep_a_closed_connection()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (_, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        long total = 0;
        for (int written = 1; written > 0; total += written)
        {
            written = endpoint.Write(network.Now, new byte[1 << 20]);
            network.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(0, endpoint.Connection!.Statistics.SendWindow);
        endpoint.Close(network.Now);
        network.Run(TimeSpan.FromSeconds(119));
        Assert.Equal(TcpState.FinWait1, endpoint.Connection.State);
        network.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(TcpCloseReason.StalledAfterClose, endpoint.Connection.CloseReason);
        Assert.Empty(home.Stack.Endpoints);
        Assert.Equal(1, home.Stack.Drops[DropReason.TcpStalledAfterClose]);
    }

    [Fact]
    public void A_user_timeout_is_counted()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (_, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        endpoint.SetUserTimeout(TimeSpan.FromSeconds(3));
        network.Loses = f => f.Link.EtherType == EtherType.Ipv4;
        endpoint.Write(network.Now, new byte[100]);
        network.Run(TimeSpan.FromSeconds(4));
        Assert.Equal(TcpCloseReason.UserTimeout, endpoint.Connection!.CloseReason);
        Assert.Equal(1, home.Stack.Drops[DropReason.TcpUserTimeout]);
    }

    [Fact]
    public void A_linger_that_is_over_is_counted()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (_, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        endpoint.SetLinger(TimeSpan.FromSeconds(1));
        network.Loses = f => f.Link.EtherType == EtherType.Ipv4;
        endpoint.Write(network.Now, new byte[100]);
        endpoint.Close(network.Now);
        network.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(1, home.Stack.Drops[DropReason.TcpLingerExpired]);
    }
}

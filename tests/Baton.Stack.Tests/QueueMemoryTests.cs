using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

public class QueueMemoryTests
{
    private const int Bound = 1 << 20;

    [Fact]
    public void Clients_that_send_more_than_all_memory_are_slowed_down_and_lose_nothing()
    {
        const int clients = 40;
        var network = Network.OfClientAndHome(out var client, out var home, new StackLimits { TcpQueueBytes = Bound });
        var pairs = Enumerable.Range(0, clients).Select(_ => TcpServiceTests.Connected(network, client, home)).ToArray();
        var data = new byte[100_000];
        new Random(3).NextBytes(data);
        foreach (var (atClient, atHome) in pairs)
        {
            home.Stack.Attach(atHome, this, "web");
            Assert.Equal(data.Length, atClient.Write(network.Now, data));
        }

        network.Run(TimeSpan.FromSeconds(10));
        Assert.True(home.Stack.TcpMemory.IsExhausted);
        Assert.InRange(home.Stack.TcpMemory.Used, Bound, Bound + (clients * 64 * 1024));
        Assert.True(home.Stack.Drops[DropReason.TcpNoMemory] > 0);

        var received = pairs.ToDictionary(p => p.AtHome, _ => new MemoryStream());
        var buffer = new byte[data.Length];
        for (int second = 0; second < 300 && received.Values.Any(r => r.Length < data.Length); second++)
        {
            network.Run(TimeSpan.FromSeconds(1));
            foreach (var (_, atHome) in pairs)
            {
                received[atHome].Write(buffer, 0, atHome.Read(network.Now, buffer));
            }
        }

        Assert.All(received.Values, r => Assert.True(data.AsSpan().SequenceEqual(r.ToArray())));
        Assert.Equal(0, home.Stack.TcpMemory.Used);
    }

    [Fact]
    public void What_is_written_counts_and_a_closed_connection_gives_it_back()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (_, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        endpoint.Write(network.Now, new byte[50_000]);
        Assert.Equal(65_536, home.Stack.TcpMemory.Used);
        endpoint.Abort(network.Now);
        network.Run();
        Assert.Equal(0, home.Stack.TcpMemory.Used);
    }
}

using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

public class BlackHoleTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1400)]
    [InlineData(1280)]
    [InlineData(700)]
    public void Where_large_packets_vanish_in_silence_the_transfer_goes_on_with_the_largest_that_do_not(int carries)
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        network.Loses = frame => frame.PacketBytes.Length > carries;
        Download(network, atClient, endpoint, 2_000_000);
        var connection = endpoint.Connection!;
        output.WriteLine($"{carries}: MSS {connection.Statistics.Mss}, {connection.Counters.PathProbes} probes, {connection.Counters.BlackHoles} black holes");
        Assert.InRange(connection.Counters.BlackHoles, 1, 2);
        Assert.InRange(connection.Statistics.Mss, carries - 52 - 32, carries - 52);
        Assert.InRange(connection.Counters.PathProbes, 2, 8);
    }

    [Fact]
    public void When_the_path_carries_all_again_so_does_the_connection_after_ten_minutes()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        int before = endpoint.Connection!.Statistics.Mss;
        network.Loses = frame => frame.PacketBytes.Length > 1200;
        Download(network, atClient, endpoint, 500_000);
        Assert.InRange(endpoint.Connection.Statistics.Mss, 1000, 1148);
        network.Loses = _ => false;
        network.Run(TimeSpan.FromMinutes(11));
        Download(network, atClient, endpoint, 500_000);
        Assert.Equal(before, endpoint.Connection.Statistics.Mss);
    }

    [Fact]
    public void A_path_that_is_merely_silent_for_a_while_is_tried_again()
    {
        var network = Network.OfClientAndHome(out var client, out var home);
        var (atClient, endpoint) = TcpServiceTests.Connected(network, client, home);
        home.Stack.Attach(endpoint, this, "web");
        int before = endpoint.Connection!.Statistics.Mss;
        network.Loses = frame => frame.Link.EtherType == EtherType.Ipv4;
        endpoint.Write(network.Now, new byte[50_000]);
        network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(1, endpoint.Connection.Counters.BlackHoles);
        network.Loses = _ => false;
        Download(network, atClient, endpoint, 500_000);
        Assert.InRange(endpoint.Connection.Statistics.Mss, before - 32, before);
    }

    /// <summary>Writes so much at home, and reads until all of it and what was written before has come.</summary>
    private static void Download(Network network, TcpEndpoint atClient, TcpEndpoint endpoint, int bytes)
    {
        var data = new byte[bytes];
        new Random(bytes).NextBytes(data);
        Assert.Equal(bytes, endpoint.Write(network.Now, data));
        var received = new MemoryStream();
        var buffer = new byte[100_000];
        for (int i = 0; i < 600 && endpoint.Connection!.SendQueueBytes > 0; i++)
        {
            network.Run(TimeSpan.FromMilliseconds(100));
            received.Write(buffer, 0, atClient.Read(network.Now, buffer));
        }

        for (int count; (count = atClient.Read(network.Now, buffer)) > 0;)
        {
            received.Write(buffer, 0, count);
        }

        Assert.True(data.AsSpan().SequenceEqual(received.ToArray().AsSpan()[^bytes..]));
    }
}

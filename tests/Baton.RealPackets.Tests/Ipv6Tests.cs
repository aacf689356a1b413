using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>The farm over IPv6, with the kernel's IPv6 as client: Neighbor Discovery, echo, a connection and an exchange that move.</summary>
public sealed class Ipv6Tests
{
    [RealFact]
    public async Task The_kernel_finds_the_home_by_neighbour_discovery_and_pings_the_service()
    {
        await using var farm = await Ipv6Farm.StartAsync();
        string ping = farm.Run("ping", "-6", "-n", "-c", "2", "-i", "0.2", "-W", "5", Ipv6Farm.ServiceAddress.ToString());
        Assert.Contains("2 received", ping, StringComparison.Ordinal);
        string large = farm.Run("ping", "-6", "-n", "-c", "1", "-s", "4000", "-W", "5", Ipv6Farm.ServiceAddress.ToString());
        Assert.Contains("1 received", large, StringComparison.Ordinal);

        string neighbours = farm.Run("ip", "-6", "neigh", "show", Ipv6Farm.ServiceAddress.ToString());
        Assert.Contains($"lladdr {Ipv6Farm.HomeMac} ", neighbours, StringComparison.Ordinal);
        Assert.DoesNotContain("router", neighbours, StringComparison.Ordinal);
    }

    [RealFact]
    public async Task A_connection_of_the_kernels_moves_from_a_to_b_to_c_with_requests_under_way()
    {
        await using var farm = await Ipv6Farm.StartAsync();
        await farm.ServeAsync("web", node => new TagServer(node));
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        Assert.Equal("a 1 first", await client.AskAsync("first"));

        const int Lines = 20_000;
        var sending = SendLinesAsync(client, Lines);
        var reading = ReadLinesAsync(client, Lines);
        await farm.MoveAsync(flow, farm.Nodes[1]);
        await farm.MoveAsync(flow, farm.Nodes[2]);
        await sending;
        var owners = await reading;
        Assert.Equal("c 20002 last", await client.AskAsync("last"));
        Assert.Equal(owners.Order(StringComparer.Ordinal), owners);
    }

    [RealFact]
    public async Task An_exchange_of_datagrams_moves_from_a_to_b_and_back()
    {
        await using var farm = await Ipv6Farm.StartAsync();
        foreach (var node in farm.Nodes)
        {
            _ = new UdpEcho(farm.NameOf(node), node).RunAsync(new BatonEndPoint("udp"), farm.Stopping);
        }

        var client = farm.ConnectUdp(FarmSetup.Udp);
        var flow = RealFarm.FlowOf(client);
        Assert.Equal("a 1 one", await client.AskDatagramAsync("one"));
        await farm.MoveAsync(flow, farm.Nodes[1]);
        Assert.Equal("b 2 two", await client.AskDatagramAsync("two"));
        await farm.MoveAsync(flow, farm.Nodes[0]);
        Assert.Equal("a 3 three", await client.AskDatagramAsync("three"));
    }

    [RealFact]
    public async Task A_datagram_to_a_port_without_service_is_refused_at_the_kernels_socket()
    {
        await using var farm = await Ipv6Farm.StartAsync();
        var client = farm.ConnectUdp(9);
        await client.SendAsync("x"u8.ToArray(), Wait.Patience());
        var error = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[10], Wait.Patience()));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    private static async Task SendLinesAsync(Socket client, int lines)
    {
        var text = new StringBuilder();
        for (int i = 0; i < lines; i++)
        {
            text.Append("line ").Append(i).Append('\n');
        }

        ReadOnlyMemory<byte> bytes = Encoding.ASCII.GetBytes(text.ToString());
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await client.SendAsync(bytes, Wait.Patience())..];
        }
    }

    /// <summary>Reads the answers, each with its number, and gives the nodes that answered in their order.</summary>
    private static async Task<List<string>> ReadLinesAsync(Socket client, int lines)
    {
        var owners = new List<string>();
        var rest = string.Empty;
        byte[] buffer = new byte[65_536];
        for (int i = 0; i < lines;)
        {
            int length = await client.ReceiveAsync(buffer, Wait.Patience());
            Assert.True(length > 0, $"the connection ended after {i} lines");
            string[] parts = (rest + Encoding.ASCII.GetString(buffer, 0, length)).Split('\n');
            rest = parts[^1];
            foreach (string line in parts[..^1])
            {
                Assert.EndsWith($" {i + 2} line {i}", line, StringComparison.Ordinal);
                i++;
                if (owners.Count == 0 || owners[^1] != line[..1])
                {
                    owners.Add(line[..1]);
                }
            }
        }

        return owners;
    }
}

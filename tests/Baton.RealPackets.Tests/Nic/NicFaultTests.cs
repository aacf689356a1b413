using Baton.Link;
using Baton.Testing;

namespace Baton.RealPackets.Tests;

/// <summary>What happens to a node in NIC mode whose interfaces fail, and what is left of it.</summary>
public sealed class NicFaultTests
{
    [BpfFact]
    public async Task Connections_go_on_when_the_interfaces_were_down()
    {
        await using var farm = await NicFarm.StartAsync();
        await farm.ServeAsync(_ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket);
        await NicFarm.MoveAsync(RealFarm.FlowOf(socket), farm.A, farm.B);
        foreach (var (node, name) in ((NicNode, string)[])[(farm.A, "front"), (farm.A, "lan"), (farm.B, "front")])
        {
            await client.ProgressAsync(1 << 20);
            farm.Network.Ip(node.Name, "link", "set", name, "down");
            await Wait.UntilAsync(() => farm.Network.Shown(node.Name, name).Contains("state DOWN", StringComparison.Ordinal));
            farm.Network.Ip(node.Name, "link", "set", name, "up");
        }

        await client.ProgressAsync(1 << 20);
        Assert.False(farm.A.Engine.Stopped.IsCompleted);
        await client.FinishAsync();
    }

    [BpfFact]
    public async Task When_an_interface_is_deleted_the_node_ends_with_its_cause_and_leaves_nothing()
    {
        var farm = await NicFarm.StartAsync();
        await using (farm)
        {
            Assert.NotEmpty(BpfObjects.Open());
            farm.Network.Ip("a", "link", "delete", "front");
            var gone = await Assert.ThrowsAsync<LinkException>(() => farm.A.Engine.Stopped.WaitAsync(Wait.Patience()));
            Assert.Contains("front was deleted", gone.Message, StringComparison.Ordinal);
        }

        Assert.Empty(BpfObjects.Open());
    }

    [BpfFact]
    public async Task A_namespace_that_is_removed_lives_as_long_as_the_node_in_it_and_goes_with_it()
    {
        await using var farm = await NicFarm.StartAsync();
        await farm.ServeAsync(name => new TagServer(name));
        var socket = await farm.ConnectAsync();
        farm.Network.Remove("a");

        Assert.Equal("a 1 one", await socket.AskAsync("one"));
        var added = await farm.ConnectAsync();
        Assert.Equal("a 1 two", await added.AskAsync("two"));

        // The other end of its cable goes with the namespace.
        Assert.Contains("front-a", farm.Network.Ports(), StringComparison.Ordinal);
        await farm.A.Engine.DisposeAsync();
        await Wait.UntilAsync(() => !farm.Network.Ports().Contains("front-a", StringComparison.Ordinal));
    }

    [BpfFact]
    public async Task Of_a_node_that_stops_the_kernel_keeps_no_program_map_or_attachment()
    {
        IReadOnlyList<(string Kind, int Id)> open;
        var farm = await NicFarm.StartAsync();
        await using (farm)
        {
            open = BpfObjects.Open();
            Assert.Equal(["link", "map", "prog"], open.Select(each => each.Kind).Distinct().Order());
            Assert.All(open, each => Assert.True(BpfObjects.Exists(each), $"{each}"));
        }

        Assert.Empty(BpfObjects.Open());
        await Wait.UntilAsync(() => !open.Any(BpfObjects.Exists), "the kernel to free what nobody has open");
    }

    [BpfFact]
    public async Task Where_memory_may_not_be_locked_the_node_says_so_and_the_interface_is_as_before()
    {
        using var network = new NicNetwork();
        string before = network.Shown("a", "front");
        string[] poor = ["setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock", "prlimit", "--memlock=65536:65536"];
        await using var node = NodeProcess.Start(network["a"], "a", "xdp", poor);

        string said = await node.EndAsync();

        Assert.Contains("may not be locked", said, StringComparison.Ordinal);
        Assert.Contains("ulimit -l unlimited", said, StringComparison.Ordinal);
        Assert.Equal(before, network.Shown("a", "front"));
    }
}

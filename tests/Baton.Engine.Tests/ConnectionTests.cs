using Baton.Engine;
using Baton.Simulation;
using Baton.Tcp;

namespace Baton.Engine.Tests;

public sealed class ConnectionTests
{
    [Fact]
    public void Nodes_find_each_other_and_open_their_channels()
    {
        using var farm = new Farm(new FarmSettings()).Connect();

        Assert.All(farm.Nodes, node => Assert.Empty(node.Endpoints));
    }

    [Fact]
    public void A_syn_to_a_service_makes_an_unattached_endpoint()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var client = farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
        farm.RunUntil(() => client.Connection!.State == TcpState.Established, TimeSpan.FromSeconds(1));
        farm.RunFor(TimeSpan.FromMilliseconds(10));

        var endpoint = farm["a"].Endpoint;
        Assert.True(endpoint.IsUnattached);
        Assert.Equal("ESTABLISHED", endpoint.State);
        Assert.Equal("local", endpoint.HomeVerdict);
        Assert.Equal(client.Flow.Tuple.Reversed, endpoint.Flow.Tuple);
        Assert.Equal(client.Connection!.Sequence.Iss, endpoint.Sequence!.Value.Irs);
        Assert.Equal(client.Connection.Sequence.Irs, endpoint.Sequence.Value.Iss);
    }

    [Fact]
    public void An_application_at_the_home_serves_a_client_both_ways()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var plan = new PatternPlan(7, 300_000);
        farm["a"].Bind("tcp", () => new PatternApplication(farm, farm["a"], plan));
        var client = new PatternClient(farm, farm.Clients[0], farm["a"].ServiceAddress, 80, plan);

        farm.RunUntil(() => client.IsComplete, TimeSpan.FromSeconds(20));

        Assert.Empty(farm.Errors);
        Assert.Equal(["a"], plan.Served);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }
}

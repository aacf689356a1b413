using Baton.Simulation;

namespace Baton.Engine.Tests;

public sealed class OutgoingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void An_applications_connection_to_a_host_that_is_silent_for_seconds_is_opened_when_it_answers()
    {
        // Connections between nodes are given up after 1.4 s; those of applications have the times of RFC 6298 §2.
        using var farm = new Farm(new FarmSettings()).Connect();
        var host = farm.Clients[0];
        host.Stack.Listen(host.Address, 7000, backlog: 1);
        var attachments = new List<Attachment>();
        string? failure = null;
        host.Link.IsPluggedIn = false;
        var application = new Listening(new PatternApplication(farm, farm["a"], new PatternPlan(1, 1000)), attachments);
        farm["a"].Shard.Connect(host.Address, 7000, "outgoing", application, new ConnectOptions(), why => failure = why);
        farm["a"].Touch();
        farm.RunFor(TimeSpan.FromSeconds(5));
        Assert.Empty(attachments);

        host.Link.IsPluggedIn = true;
        farm.RunUntil(() => attachments.Count == 1, Limit);

        Assert.Null(failure);
    }
}

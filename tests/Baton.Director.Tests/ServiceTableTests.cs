using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class ServiceTableTests
{
    private static readonly InetAddress s_address = InetAddress.Parse("198.51.100.101");
    private static readonly Dictionary<string, Func<ISelectionPolicy>> s_noPolicies = [];
    private static readonly Service s_web = new("web", s_address, IpProtocol.Tcp, 80, A);

    [Fact]
    public void A_policy_of_the_programs_own_is_named_like_the_others()
    {
        var policies = new Dictionary<string, Func<ISelectionPolicy>> { ["last"] = () => new Last() };

        Assert.True(ServiceTable.TryCreate([s_web with { Policy = "last" }], policies, out var table, out _));
        Assert.Equal(C, table.Select(table.Services[0], [State(A), State(B), State(C)], new(FlowNumber(1), 0)));
        Assert.False(ServiceTable.TryCreate([s_web with { Policy = "first" }], policies, out _, out var errors));
        Assert.Contains("last", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_is_found_by_what_the_client_addressed()
    {
        Assert.True(ServiceTable.TryCreate([s_web, s_web with { Name = "dns", Protocol = IpProtocol.Udp, Port = 53 }], s_noPolicies, out var table, out _));

        Assert.True(table.TryFind(FlowNumber(1), out var service));
        Assert.Equal("web", service.Name);
        Assert.False(table.TryFind(FlowNumber(1, IpProtocol.Udp), out _));
        Assert.True(table.TryFind("dns", out service));
        Assert.Equal(53, service.OwnerPort);
        Assert.Equal(A, table.HomeOf(s_address));
        Assert.Equal(NodeId.None, table.HomeOf(InetAddress.Parse("198.51.100.1")));
    }

    [Fact]
    public void Each_service_selects_by_its_own_policy()
    {
        Assert.True(ServiceTable.TryCreate(
            [s_web with { Policy = "round-robin" }, s_web with { Name = "api", Port = 81, Policy = "round-robin" }], s_noPolicies, out var table, out _));
        MemberState[] states = [new(A, 1, 0, 0, 0, false, 1), new(B, 1, 0, 0, 0, false, 1)];

        Assert.Equal(A, table.Select(table.Services[0], states, default));
        Assert.Equal(A, table.Select(table.Services[1], states, default));
        Assert.Equal(B, table.Select(table.Services[0], states, default));
    }

    [Fact]
    public void Everything_wrong_is_said_at_once_with_its_mend()
    {
        Service[] services =
        [
            s_web,
            s_web with { Policy = "best" },
            s_web with { Port = 8080 },
            s_web with { Name = "geneve", Protocol = IpProtocol.Udp, Port = 6081 },
            s_web with { Name = "ping", Protocol = IpProtocol.Icmp, Port = 0, Home = B },
        ];

        Assert.False(ServiceTable.TryCreate(services, s_noPolicies, out _, out var errors));

        string all = string.Join('\n', errors);
        Assert.Contains("'web' is there with another protocol or port", all, StringComparison.Ordinal);
        Assert.Contains("write one of least-of-two, weighted, round-robin", all, StringComparison.Ordinal);
        Assert.Contains("is a service already", all, StringComparison.Ordinal);
        Assert.Contains("uses UDP port 6081", all, StringComparison.Ordinal);
        Assert.Contains("write tcp or udp", all, StringComparison.Ordinal);
        Assert.Contains("write a port from 1 to 65535", all, StringComparison.Ordinal);
        Assert.Contains("has two homes", all, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_that_make_no_sense_are_said()
    {
        Assert.Empty(new DirectorLimits().Errors());
        Assert.Equal(3, new DirectorLimits { MaxFlows = 0, MaxTombstones = -1, TombstoneSilent = TimeSpan.FromSeconds(-1) }.Errors().Count());
    }

    private sealed class Last : ISelectionPolicy
    {
        public NodeId Select(ReadOnlySpan<MemberState> candidates, in SelectionRequest request) => candidates[^1].Node;
    }
}

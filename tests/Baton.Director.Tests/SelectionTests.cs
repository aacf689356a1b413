using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class SelectionTests
{
    [Fact]
    public void Least_of_two_never_chooses_the_most_loaded_of_three()
    {
        var counts = Draw(new LeastOfTwo(), 30_000, State(A, live: 100), State(B, live: 10), State(C, live: 50));

        // Of the three pairs, B wins two and C one.
        Assert.Equal(0, counts.GetValueOrDefault(A));
        Assert.InRange(counts[B], 19_500, 20_500);
        Assert.InRange(counts[C], 9_500, 10_500);
    }

    [Fact]
    public void Least_of_two_among_equals_is_even()
    {
        var counts = Draw(new LeastOfTwo(), 30_000, State(A), State(B), State(C));

        Assert.All(counts.Values, count => Assert.InRange(count, 9_500, 10_500));
    }

    [Fact]
    public void Least_of_two_that_hears_of_each_placement_spreads_300_connections_evenly()
    {
        var random = new Random(7);
        MemberState[] states = [State(A), State(B), State(C)];
        for (int connection = 0; connection < 300; connection++)
        {
            var chosen = new LeastOfTwo().Select(states, new(FlowNumber(connection), (ulong)random.NextInt64() << 1));
            int position = Array.FindIndex(states, state => state.Node == chosen);
            states[position] = states[position] with { LiveConnections = states[position].LiveConnections + 1 };
        }

        Assert.All(states, state => Assert.InRange(state.LiveConnections, 97u, 103u));
    }

    [Theory]
    [InlineData(1000u, 0ul, 0u)]
    [InlineData(0u, 64ul * 1024 * 1024, 0u)]
    [InlineData(0u, 0ul, 900u)]
    public void Connections_queue_and_processor_each_count_as_load(uint live, ulong queued, uint cpu)
    {
        var loaded = State(A, live) with { QueuedBytes = queued, CpuPermille = cpu };

        var counts = Draw(new LeastOfTwo(), 1000, loaded, State(B, live: 5));

        Assert.Equal(1000, counts[B]);
    }

    [Fact]
    public void When_only_one_members_state_changes_new_connections_shift_and_shift_back()
    {
        Assert.True(ShareOf(A, State(A, live: 10)) > 900);
        Assert.Equal(0, ShareOf(A, State(A, live: 30)));
        Assert.True(ShareOf(A, State(A, live: 10)) > 900);

        static int ShareOf(NodeId node, MemberState own) =>
            Draw(new LeastOfTwo(), 1000, own, State(B, live: 20)).GetValueOrDefault(node);
    }

    [Fact]
    public void Weighted_follows_the_weights()
    {
        var counts = Draw(
            new Weighted(), 60_000, State(A) with { Weight = 1 }, State(B) with { Weight = 2 }, State(C) with { Weight = 3 });

        Assert.InRange(counts[A], 9_500, 10_500);
        Assert.InRange(counts[B], 19_500, 20_500);
        Assert.InRange(counts[C], 29_500, 30_500);
    }

    [Fact]
    public void Round_robin_takes_one_after_the_other_and_goes_on_when_members_come_and_go()
    {
        var policy = new RoundRobin();
        MemberState[] all = [State(C), State(A), State(B)];
        Assert.Equal([A, B, C, A], Take(policy, 4, all));
        Assert.Equal([C, A, C], Take(policy, 3, State(A), State(C)));
        Assert.Equal([A, B], Take(policy, 2, all));
    }

    [Fact]
    public void Rendezvous_keeps_a_client_at_its_member_whatever_its_port_and_load_and_follows_the_weights()
    {
        var policy = new Rendezvous();
        MemberState[] all = [State(A) with { Weight = 1 }, State(B) with { Weight = 2 }, State(C) with { Weight = 3 }];
        var members = Clients().Select(client => policy.Select(all, new(client, 0))).ToArray();

        Assert.InRange(members.Count(member => member == A), 9_500, 10_500);
        Assert.InRange(members.Count(member => member == B), 19_500, 20_500);
        Assert.InRange(members.Count(member => member == C), 29_500, 30_500);
        MemberState[] later = [all[2] with { LiveConnections = 1000 }, all[0], all[1]];
        Assert.Equal(members, Clients(port: 2000).Select(client => policy.Select(later, new(client, ulong.MaxValue))));
    }

    [Fact]
    public void Of_a_member_that_leaves_only_its_own_clients_go_elsewhere()
    {
        var policy = new Rendezvous();
        MemberState[] all = [State(A), State(B), State(C)];
        MemberState[] without = [State(A), State(B) with { Draining = true }, State(C)];
        foreach (var client in Clients())
        {
            var before = policy.Select(all, new(client, 0));
            var after = policy.Select(without, new(client, 0));
            Assert.True(before == B ? after == A || after == C : after == before, $"{client}: {before}, then {after}");
        }

        Assert.Equal(NodeId.None, policy.Select([], new(FlowNumber(1), 0)));
    }

    [Theory]
    [InlineData("least-of-two")]
    [InlineData("weighted")]
    [InlineData("round-robin")]
    public void Who_drains_is_never_chosen(string name)
    {
        Assert.True(SelectionPolicies.TryCreate(name, out var policy));

        var counts = Draw(policy, 1000, State(A) with { Draining = true }, State(B, live: 1000), State(C, live: 1000));
        Assert.Equal(0, counts.GetValueOrDefault(A));
        Assert.InRange(counts[B], 400, 600);

        Assert.Equal(1000, Draw(policy, 1000, State(A) with { Draining = true }, State(B))[B]);
        Assert.Equal(1000, Draw(policy, 1000, State(A) with { Draining = true })[NodeId.None]);
        Assert.Equal(1000, Draw(policy, 1000)[NodeId.None]);
    }

    [Fact]
    public void Each_name_makes_a_policy_and_others_none()
    {
        Assert.All(SelectionPolicies.Names, name => Assert.True(SelectionPolicies.TryCreate(name, out _)));
        Assert.False(SelectionPolicies.TryCreate("best", out _));
    }

    private static NodeId[] Take(ISelectionPolicy policy, int count, params MemberState[] states) =>
        [.. Enumerable.Range(0, count).Select(number => policy.Select(states, new(FlowNumber(number), 0)))];

    private static IEnumerable<Flow> Clients(ushort port = 1024) => Enumerable.Range(0, 60_000).Select(number => new Flow(
        IpProtocol.Tcp, new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.FromV4(0xCB00_0000 + (uint)number), port)));

    private static Dictionary<NodeId, int> Draw(ISelectionPolicy policy, int count, params MemberState[] states)
    {
        var random = new Random(42);
        Span<byte> bits = stackalloc byte[8];
        var counts = new Dictionary<NodeId, int>();
        for (int number = 0; number < count; number++)
        {
            random.NextBytes(bits);
            var chosen = policy.Select(states, new(FlowNumber(number), BitConverter.ToUInt64(bits)));
            counts[chosen] = counts.GetValueOrDefault(chosen) + 1;
        }

        return counts;
    }
}

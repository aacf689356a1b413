using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>The eight steps without faults, for every place that the home can have.</summary>
public sealed class NormalPathTests
{
    /// <summary>Home, source, target.</summary>
    public static TheoryData<int, int, int> Places => new() { { 1, 1, 2 }, { 2, 1, 2 }, { 3, 1, 2 } };

    [Theory]
    [MemberData(nameof(Places))]
    public void A_connection_moves_with_its_image_context_and_epoch(int home, int source, int target)
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home, source);
        var blob = farm[source].Active(flow)!.Blob;
        var request = farm.Request(flow, home, source, target);

        Assert.Equal(BeginResult.Started, farm.Begin(request, source));
        farm.Run();

        var moved = farm[target].Active(flow)!;
        Assert.Equal(blob, moved.Blob);
        Assert.Equal([1, 2, 3, 1], moved.Context);
        Assert.Equal(new Epoch(2), moved.Epoch);
        Assert.True(farm[home].Home.TryGet(flow, out var entry));
        Assert.Equal((farm[target].Id, new Epoch(2), moved.Reference), entry);
        Assert.Empty(farm[source].Endpoints);
        Assert.Equal(moved.Reference, Assert.Single(farm[source].Tombstones).Value);
        Assert.Equal((HandoffOutcome.Committed, HandoffReason.None), farm.Outcome(request, HandoffRole.Source));
        Assert.Equal((HandoffOutcome.Committed, HandoffReason.None), farm.Outcome(request, HandoffRole.Target));
        farm.AssertNothingIsStuck(_ => farm[home].Id);
        Assert.All(farm.Nodes, node => Assert.Equal(0, node.Agent.Drops.Total));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void The_steps_come_in_order_and_nothing_is_emitted_before_the_homes_yes(int home, int source, int target)
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home, source);
        farm.Begin(farm.Request(flow, home, source, target), source);
        farm.Run();

        var steps = farm.Trace.Select(t => t.Output).Where(o => o is not HandoffOutput.Send).Select(o => o.GetType().Name);
        Assert.Equal(
            ["CreateEmbryo", "Freeze", "Install", "AskSwap"],
            steps.Take(4));
        Assert.Equal(
            ["Activate", "BecomeTombstone", "Completed", "Completed"],
            steps.Skip(4).Order(StringComparer.Ordinal));
        Assert.True(farm.Trace.FindIndex(t => t.Output is HandoffOutput.AskSwap) < farm.Trace.FindIndex(t => t.Output is HandoffOutput.Activate));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Nothing_is_sent_to_oneself_and_each_place_of_the_home_has_its_number_of_messages(int home, int source, int target)
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home, source);
        farm.Begin(farm.Request(flow, home, source, target), source);
        farm.Run();

        var sends = farm.Trace.Where(t => t.Output is HandoffOutput.Send).ToList();
        Assert.DoesNotContain(sends, t => ((HandoffOutput.Send)t.Output).Peer == t.Node.Id);

        // PREPARE, PREPARED, STATE, DONE (which the source returns to a target that is the home); and SWAP, SWAPPED (to the source
        // too, which tells the target) where the home is another node.
        int expected = home == source ? 6 : home == target ? 5 : 8;
        Assert.Equal(expected, sends.Count);
    }

    [Fact]
    public void A_target_that_is_the_home_emits_once_its_source_has_heard_of_the_commit()
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home: 2, owner: 1);
        farm.Begin(farm.Request(flow, home: 2, source: 1, target: 2), 1);
        farm.Run();

        int Index(int node, Predicate<HandoffOutput> which) => farm.Trace.FindIndex(step => step.Node == farm[node] && which(step.Output));
        int told = Index(2, o => o is HandoffOutput.Send send && (Messages.MessageKind)send.Message.Span[1] == Messages.MessageKind.Done);
        int heard = Index(1, o => o is HandoffOutput.Send send && (Messages.MessageKind)send.Message.Span[1] == Messages.MessageKind.Done);
        int emits = Index(2, o => o is HandoffOutput.Activate);
        Assert.True(told < heard && heard < emits, $"{told} {heard} {emits}");
    }

    [Fact]
    public void A_target_that_is_the_home_goes_on_when_its_source_is_lost_before_it_has_heard()
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home: 2, owner: 1);
        farm.OnOutput = (node, output) =>
        {
            if (node == farm[2] && output is HandoffOutput.Install)
            {
                farm.Crash(new(1));
            }
        };
        farm.Begin(farm.Request(flow, home: 2, source: 1, target: 2), 1);
        farm.Run();
        farm.NoticeTheDead();
        farm.Run();

        Assert.Equal(farm[2].Active(flow), farm.Active(flow));
        Assert.NotNull(farm.Active(flow));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void A_fresh_connections_state_follows_prepare_without_waiting(int home, int source, int target)
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home, source);
        var request = farm.Request(flow, home, source, target) with { Fresh = true };
        farm.Begin(request, source);

        Assert.Equal(2, farm.Trace.Count(t => t.Output is HandoffOutput.Send));
        farm.Run();
        Assert.NotNull(farm[target].Active(flow));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Precopied_bytes_and_the_tail_make_the_same_blob(int home, int source, int target)
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home, source, blobBytes: 300_000);
        var blob = farm[source].Active(flow)!.Blob;
        farm.Begin(farm.Request(flow, home, source, target) with { Precopy = true }, source);
        farm.Run();

        Assert.Equal(blob, farm[target].Active(flow)!.Blob);
        var freeze = farm.Trace.Select(t => t.Output).OfType<HandoffOutput.Freeze>().Single();
        Assert.Equal(225_000, freeze.PrecopiedBytes);
    }

    [Fact]
    public void Packets_held_before_state_travel_in_it_and_later_ones_are_forwarded()
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(home: 3, owner: 1);
        for (int i = 0; i < 40; i++)
        {
            farm.At(new(i * 100), () => farm.ClientSends(flow, home: 3));
        }

        farm.AnswerDelay = () => TimeSpan.FromTicks(300);
        farm.At(new(700), () => farm.Begin(farm.Request(flow, 3, 1, 2), 1));
        farm.Run();

        var processed = farm[2].Active(flow)!.Processed;
        Assert.Equal(Enumerable.Range(1, 40), processed.Order());
    }

    [Fact]
    public void A_state_of_many_chunks_arrives_whole()
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(1, 1, blobBytes: 9_000_000);
        var blob = farm[1].Active(flow)!.Blob;
        farm.Begin(farm.Request(flow, 1, 1, 2), 1);
        farm.Run();
        Assert.Equal(blob, farm[2].Active(flow)!.Blob);
    }

    [Fact]
    public void The_targets_engine_learns_the_application_and_options()
    {
        var farm = new Farm.Farm();
        var flow = farm.Connect(1, 1);
        farm.Begin(farm.Request(flow, 1, 1, 2) with { ApplicationName = "größe" }, 1);
        farm.Run();

        var create = farm.Trace.Select(t => t.Output).OfType<HandoffOutput.CreateEmbryo>().Single();
        Assert.Equal("größe", create.ApplicationName);
        Assert.Equal([9, 8, 7], create.Options.ToArray());
        Assert.Equal(1000, create.ExpectedStateBytes);
        Assert.Equal("größe", farm.Trace.Select(t => t.Output).OfType<HandoffOutput.Install>().Single().ApplicationName);
    }
}

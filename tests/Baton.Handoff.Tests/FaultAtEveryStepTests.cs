using Baton.Handoff.Tests.Farm;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>
/// One handoff, and one fault before each output in turn, until there is no such output any more: every channel broken,
/// every node killed, mended soon, late or not at all.
/// </summary>
public sealed class FaultAtEveryStepTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromTicks(1200);
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(20);

    public static TheoryData<int, string, bool> Variants
    {
        get
        {
            var data = new TheoryData<int, string, bool>();
            foreach (int home in new[] { 1, 2, 3 })
            {
                foreach (string kind in new[] { "plain", "fresh", "precopy", "chunks" })
                {
                    data.Add(home, kind, false);
                    data.Add(home, kind, true);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_channel_that_breaks_at_any_step_costs_no_packet_and_leaves_one_owner(int home, string kind, bool slowEngine)
    {
        foreach (var (a, b) in new[] { (1, 2), (1, 3), (2, 3) })
        {
            foreach (var mendAfter in new[] { Soon, Late })
            {
                EachStep(home, kind, slowEngine, (farm, flow, request) =>
                {
                    farm.Break(new((ushort)a), new((ushort)b));
                    farm.At(farm.Now + mendAfter, () => farm.ChannelUp(new((ushort)a), new((ushort)b)));
                    return () =>
                    {
                        var active = farm.Active(flow);
                        Assert.True(active is not null, $"{farm}: nobody runs the connection");
                        Assert.Equal(Enumerable.Range(1, farm.PacketsSent), active.Processed.Order());
                        AssertOneOutcome(farm, request);
                    };
                });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_node_that_dies_at_any_step_leaves_at_most_one_owner_and_nothing_waits_but_for_a_dead_home(int home, string kind, bool slowEngine)
    {
        for (int victim = 1; victim <= 3; victim++)
        {
            foreach (var restartAfter in new TimeSpan?[] { Soon, Late, null })
            {
                var node = new NodeId((ushort)victim);
                EachStep(home, kind, slowEngine, (farm, flow, request) =>
                {
                    farm.Crash(node);
                    if (restartAfter is { } delay)
                    {
                        farm.At(farm.Now + delay, () => farm.Restart(node));
                    }
                    else
                    {
                        farm.At(farm.Now + TimeSpan.FromMilliseconds(12), farm.NoticeTheDead);
                    }

                    return () => AssertAfterDeath(farm, flow, request, home, victim);
                });
            }
        }
    }

    private static void AssertAfterDeath(Farm.Farm farm, Flow flow, HandoffRequest request, int home, int victim)
    {
        var active = farm.Active(flow);
        if (home == victim)
        {
            // The directory is gone with its node, and its flows with it: what is frozen waits or is discarded.
            return;
        }

        Assert.True(farm[home].Home.TryGet(flow, out var entry));
        bool ownerDied = entry.Owner.Value == victim;
        Assert.Equal(!ownerDied, active is not null);
        if (victim == 2 && !ownerDied)
        {
            var (outcome, _) = farm.Outcome(request, HandoffRole.Source);
            Assert.True(outcome is HandoffOutcome.Aborted or HandoffOutcome.Rejected, $"{farm}: {outcome}");
            Assert.Equal(Enumerable.Range(1, farm.PacketsSent), active!.Processed.Order());
        }

        if (victim == 2 && ownerDied)
        {
            Assert.Equal(HandoffOutcome.Committed, farm.Outcome(request, HandoffRole.Source).Outcome);
        }

        if (victim == 1 && !ownerDied)
        {
            Assert.Equal(HandoffOutcome.Committed, farm.Outcome(request, HandoffRole.Target).Outcome);
        }
    }

    private static void AssertOneOutcome(Farm.Farm farm, HandoffRequest request)
    {
        var source = farm.Outcome(request, HandoffRole.Source).Outcome;
        var target = farm.Outcome(request, HandoffRole.Target).Outcome;
        Assert.NotEqual(HandoffOutcome.None, source);
        if (source == HandoffOutcome.Committed)
        {
            Assert.Equal(HandoffOutcome.Committed, target);
        }
    }

    private static void EachStep(int home, string kind, bool slowEngine, Func<Farm.Farm, Flow, HandoffRequest, Action> fault)
    {
        for (int step = 1; ; step++)
        {
            var farm = new Farm.Farm(seed: step);
            var flow = farm.Connect(home, 1, blobBytes: kind is "chunks" or "precopy" ? 200_000 : 500);
            if (slowEngine)
            {
                farm.AnswerDelay = () => TimeSpan.FromTicks(700);
            }

            for (int i = 0; i < 60; i++)
            {
                farm.At(new(i * 150), () => farm.ClientSends(flow, home));
            }

            Action? check = null;
            var request = farm.Request(flow, home, 1, 2) with { Fresh = kind == "fresh", Precopy = kind == "precopy" };
            farm.OnOutput = (_, _) =>
            {
                if (farm.Steps == step)
                {
                    check = fault(farm, flow, request);
                }
            };
            farm.Begin(request, 1);
            farm.Run();
            farm.Settle();
            if (check is null)
            {
                Assert.True(step > 5);
                return;
            }

            try
            {
                farm.AssertNothingIsStuck(_ => farm[home].Id);
                farm.AssertDirectoriesAreTrue([flow]);
                check();
            }
            catch (Exception e)
            {
                Assert.Fail($"fault before output {step} of home {home}, {kind}, {(slowEngine ? "slow" : "prompt")} engine: {e.Message}\n"
                    + string.Join('\n', farm.Trace.Select((t, i) => $"{i + 1} {t.Node.Id}: {Describe(t.Output)}")));
            }
        }
    }

    private static string Describe(HandoffOutput output) => output is HandoffOutput.Send send
        ? $"Send {(Messages.MessageKind)send.Message.Span[1]} to {send.Peer}"
        : output is HandoffOutput.Completed c ? $"Completed {c.Role} {c.Outcome} {c.Reason}" : output.GetType().Name;
}

using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

/// <summary>The only point of decision of a handoff.</summary>
public sealed class CompareAndSwapTests
{
    private static readonly Flow s_flow = FlowNumber(1);
    private static readonly HandoffId s_first = new(11);
    private static readonly HandoffId s_second = new(22);
    private static readonly HandoffId s_third = new(33);

    // Two handoffs out of A at epoch 1, one each of B at 2 and A at 3, both questions of each.
    private static readonly SwapQuestion[] s_questions =
    [
        SwapQuestion.Commit(s_flow, s_first, A, new(1), new(1), B, Encoded(100)),
        SwapQuestion.Abort(s_flow, s_first, A, new(1), new(1)),
        SwapQuestion.Commit(s_flow, s_second, B, new(2), new(100), C, Encoded(200)),
        SwapQuestion.Abort(s_flow, s_second, B, new(2), new(100)),
        SwapQuestion.Commit(s_flow, s_third, A, new(3), new(1), C, Encoded(300)),
        SwapQuestion.Abort(s_flow, s_third, A, new(3), new(1)),
    ];

    [Fact]
    public void A_commit_makes_the_target_owner_with_its_reference()
    {
        var table = TableWithFlowAtA();

        var result = table.CompareAndSwap(in s_questions[0]);

        Assert.Equal(new SwapResult(SwapOutcome.Swapped, B, new(2), Encoded(100)), result);
        Assert.Equal(VerdictKind.Forward, table.Decide(s_flow).Kind);
    }

    [Fact]
    public void An_abort_leaves_the_sources_reference_valid_and_makes_the_targets_swap_fail()
    {
        var table = TableWithFlowAtA();

        Assert.Equal(new SwapResult(SwapOutcome.Swapped, A, new(3), Encoded(1)), table.CompareAndSwap(in s_questions[1]));
        Assert.Equal(new SwapResult(SwapOutcome.Refused, A, new(3), Encoded(1)), table.CompareAndSwap(in s_questions[0]));
    }

    [Fact]
    public void A_refused_abort_says_who_owns_the_flow_and_by_which_reference()
    {
        var table = TableWithFlowAtA();
        table.CompareAndSwap(in s_questions[0]);

        Assert.Equal(new SwapResult(SwapOutcome.Refused, B, new(2), Encoded(100)), table.CompareAndSwap(in s_questions[1]));
    }

    [Fact]
    public void A_question_that_is_neither_commit_nor_abort_is_refused()
    {
        var table = TableWithFlowAtA();
        var commit = s_questions[0];
        SwapQuestion[] wrong =
        [
            commit with { NewEpoch = new(3) },
            commit with { NewEpoch = new(1) },
            commit with { NewOwner = NodeId.None },
            commit with { Handoff = HandoffId.None },
            commit with { ExpectedOwner = C },
            s_questions[1] with { NewEpoch = new(2) },
        ];

        foreach (var question in wrong)
        {
            Assert.Equal(new SwapResult(SwapOutcome.Refused, A, new(1), Encoded(1)), table.CompareAndSwap(in question));
        }
    }

    [Fact]
    public void An_epoch_that_cannot_rise_any_more_is_not_swapped()
    {
        var table = new FlowTable(A, Key, 4);
        table.TryAdd(s_flow, A, new(uint.MaxValue), Encoded(1));

        Assert.Equal(
            SwapOutcome.Refused, table.CompareAndSwap(SwapQuestion.Commit(s_flow, s_first, A, new(uint.MaxValue), new(1), B, Encoded(2))).Outcome);
    }

    [Fact]
    public void Whatever_the_order_of_up_to_six_questions_each_handoff_has_one_outcome_and_keeps_it()
    {
        int sequences = 0;
        for (int length = 1; length <= 6; length++)
        {
            int[] order = new int[length];
            do
            {
                Run(order);
                sequences++;
            }
            while (Next(order));
        }

        Assert.Equal(6 + 36 + 216 + 1296 + 7776 + 46_656, sequences);
    }

    private static void Run(int[] order)
    {
        var table = TableWithFlowAtA();
        var winner = new Dictionary<HandoffId, bool>();
        var epoch = Epoch.First;
        var decidedLast = HandoffId.None;
        foreach (int number in order)
        {
            ref readonly var question = ref s_questions[number];
            var answer = table.CompareAndSwap(in question);
            var again = table.CompareAndSwap(in question);

            Assert.Equal(answer, again);
            Assert.True(answer.Epoch >= epoch);
            epoch = answer.Epoch;
            if (answer.Outcome == SwapOutcome.Swapped)
            {
                // Of commit and abort only one ever succeeds.
                Assert.True(winner.TryAdd(question.Handoff, question.IsAbort) || winner[question.Handoff] == question.IsAbort);
                Assert.Equal((question.NewOwner, question.NewEpoch), (answer.Owner, answer.Epoch));
                decidedLast = question.Handoff;
            }
            else if (question.Handoff == decidedLast)
            {
                // The last decided handoff's winning question is never refused.
                Assert.NotEqual(winner[decidedLast], question.IsAbort);
            }
        }
    }

    private static bool Next(int[] order)
    {
        for (int place = 0; place < order.Length; place++)
        {
            if (++order[place] < s_questions.Length)
            {
                return true;
            }

            order[place] = 0;
        }

        return false;
    }

    private static FlowTable TableWithFlowAtA()
    {
        var table = new FlowTable(A, Key, 4);
        table.TryAdd(s_flow, A, Epoch.First, Encoded(1));
        return table;
    }
}

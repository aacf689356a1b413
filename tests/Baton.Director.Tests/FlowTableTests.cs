using Baton.Testing;
using Baton.Wire;
using static Baton.Director.Tests.Samples;

namespace Baton.Director.Tests;

public sealed class FlowTableTests
{
    [Fact]
    public void A_flow_of_this_node_is_local_with_the_reference_that_was_stored()
    {
        var table = new FlowTable(A, Key, 16);
        var reference = Encoded(7);
        Assert.Equal(AddResult.Added, table.TryAdd(FlowNumber(1), A, Epoch.First, in reference));

        var verdict = table.Decide(FlowNumber(1));

        Assert.Equal(VerdictKind.Local, verdict.Kind);
        Assert.Equal(A, verdict.Owner);
        Assert.Equal(reference, verdict.Reference);
    }

    [Fact]
    public void A_flow_of_another_node_is_forwarded_and_any_other_unknown()
    {
        var table = new FlowTable(A, Key, 16);
        table.TryAdd(FlowNumber(1), B, Epoch.First, Encoded(7));

        Assert.Equal(VerdictKind.Forward, table.Decide(FlowNumber(1)).Kind);
        var unknown = table.Decide(FlowNumber(2));
        Assert.Equal(VerdictKind.Unknown, unknown.Kind);
        Assert.Equal(NodeId.None, unknown.Owner);
        Assert.Equal(0, unknown.Reference.Length);
    }

    [Fact]
    public void A_flow_always_has_an_owner_so_that_no_packet_waits_at_the_home()
    {
        var table = new FlowTable(A, Key, 16);
        Assert.Throws<ArgumentException>(() => table.TryAdd(FlowNumber(1), NodeId.None, Epoch.First, Encoded(7)));

        // In a handoff either it or the target is the owner, whatever is asked.
        table.TryAdd(FlowNumber(1), B, Epoch.First, Encoded(7));
        var toNobody = SwapQuestion.Commit(FlowNumber(1), new(5), B, Epoch.First, new(7), NodeId.None, Encoded(8));
        Assert.Equal(SwapOutcome.Refused, table.CompareAndSwap(in toNobody).Outcome);
        Assert.Equal(B, table.Decide(FlowNumber(1)).Owner);
    }

    [Fact]
    public void What_was_remembered_of_a_local_flow_is_known_until_its_entry_says_something_else()
    {
        var table = new FlowTable(A, Key, 16);
        table.TryAdd(FlowNumber(1), A, Epoch.First, Encoded(7));
        table.TryAdd(FlowNumber(2), B, Epoch.First, Encoded(8));
        object found = new();
        table.Decide(FlowNumber(1)).Remember(found);
        table.Decide(FlowNumber(2)).Remember(found);
        table.Decide(FlowNumber(3)).Remember(found);

        Assert.Same(found, table.Decide(FlowNumber(1)).Known);
        Assert.Null(table.Decide(FlowNumber(2)).Known);
        Assert.Null(table.Decide(FlowNumber(3)).Known);

        var away = SwapQuestion.Commit(FlowNumber(1), new(5), A, Epoch.First, new(7), B, Encoded(9));
        Assert.Equal(SwapOutcome.Swapped, table.CompareAndSwap(in away).Outcome);
        Assert.Null(table.Decide(FlowNumber(1)).Known);

        table.TryAdd(FlowNumber(4), A, Epoch.First, Encoded(7));
        table.Decide(FlowNumber(4)).Remember(found);
        Assert.True(table.Remove(FlowNumber(4)));
        table.TryAdd(FlowNumber(4), A, Epoch.First, Encoded(7));
        Assert.Null(table.Decide(FlowNumber(4)).Known);
    }

    [Fact]
    public void A_flows_tag_leads_to_its_entry_without_a_verdict()
    {
        var table = new FlowTable(A, Key, 16);
        Assert.Equal(-1, table.FirstWith(table.TagOf(FlowNumber(1))));
        table.TryAdd(FlowNumber(1), A, Epoch.First, Encoded(7));

        uint tag = table.TagOf(FlowNumber(1));
        Assert.Equal(FlowNumber(1), table.EntryAt(table.FirstWith(tag)).Flow);
        Assert.NotEqual(0ul, table.SlotOf(tag));
        Assert.Equal(0, table.Verdicts[VerdictKind.Local]);
    }

    [Fact]
    public void The_same_four_tuple_in_two_protocols_is_two_flows()
    {
        var table = new FlowTable(A, Key, 16);
        table.TryAdd(FlowNumber(1), B, Epoch.First, Encoded(7));

        Assert.Equal(VerdictKind.Unknown, table.Decide(FlowNumber(1, IpProtocol.Udp)).Kind);
    }

    [Fact]
    public void Every_verdict_is_counted()
    {
        var table = new FlowTable(A, Key, 16);
        table.TryAdd(FlowNumber(1), B, Epoch.First, Encoded(7));
        table.Decide(FlowNumber(1));
        table.Decide(FlowNumber(1));
        table.Decide(FlowNumber(2));

        Assert.Equal(2, table.Verdicts[VerdictKind.Forward]);
        Assert.Equal(1, table.Verdicts[VerdictKind.Unknown]);
        Assert.Equal(0, table.Verdicts[VerdictKind.Local]);
    }

    [Fact]
    public void A_full_table_takes_no_more_and_counts_it()
    {
        var table = new FlowTable(A, Key, 3);
        for (int number = 0; number < 3; number++)
        {
            Assert.Equal(AddResult.Added, table.TryAdd(FlowNumber(number), A, Epoch.First, Encoded(7)));
        }

        Assert.Equal(AddResult.Full, table.TryAdd(FlowNumber(3), A, Epoch.First, Encoded(7)));
        Assert.Equal(AddResult.Exists, table.TryAdd(FlowNumber(2), A, Epoch.First, Encoded(7)));
        Assert.Equal(1, table.Overflows);
        Assert.True(table.Remove(FlowNumber(0)));
        Assert.Equal(AddResult.Added, table.TryAdd(FlowNumber(3), A, Epoch.First, Encoded(7)));
    }

    [Fact]
    public void Closing_is_idempotent_and_only_the_owner_of_the_epoch_can_with_its_endpoint()
    {
        var table = new FlowTable(A, Key, 16);
        var flow = FlowNumber(1);
        table.TryAdd(flow, A, Epoch.First, Encoded(7));
        table.CompareAndSwap(SwapQuestion.Commit(flow, new(5), A, Epoch.First, new(7), B, Encoded(8)));

        Assert.False(table.TryClose(flow, A, Epoch.First, new(7)));
        Assert.False(table.TryClose(flow, B, Epoch.First, new(8)));
        Assert.False(table.TryClose(flow, B, new(2), new(7)));
        Assert.True(table.TryClose(flow, B, new(2), new(8)));
        Assert.True(table.TryClose(flow, B, new(2), new(8)));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void A_late_question_about_an_ended_connection_does_not_match_the_next_one_between_the_same_ports()
    {
        var table = new FlowTable(A, Key, 16);
        var flow = FlowNumber(1);
        table.TryAdd(flow, A, table.NextEpoch, Encoded(7));
        var late = SwapQuestion.Commit(flow, new(5), A, Epoch.First, new(7), B, Encoded(8));
        Assert.Equal(SwapOutcome.Swapped, table.CompareAndSwap(SwapQuestion.Abort(flow, new(5), A, Epoch.First, new(7))).Outcome);
        table.TryClose(flow, A, new(3), new(7));
        Assert.Equal(SwapOutcome.Gone, table.CompareAndSwap(in late).Outcome);

        table.TryAdd(flow, A, table.NextEpoch, Encoded(9));

        Assert.Equal(SwapOutcome.Gone, table.CompareAndSwap(in late).Outcome);
        Assert.Equal(A, table.Decide(flow).Owner);
    }

    [Fact]
    public void A_source_that_was_cut_off_hears_that_its_connection_is_gone_though_another_one_is_in_its_place()
    {
        var table = new FlowTable(A, Key, 16);
        var flow = FlowNumber(1, IpProtocol.Udp);
        table.TryAdd(flow, B, table.NextEpoch, Encoded(7));
        table.RemoveAll(flow.Tuple.LocalAddress, B);
        table.TryAdd(flow, A, table.NextEpoch, Encoded(9));
        var abort = SwapQuestion.Abort(flow, new(5), B, Epoch.First, new(7));
        Assert.Equal(SwapOutcome.Gone, table.CompareAndSwap(in abort).Outcome);

        // Not where the home cannot know: what it was told of may have been that very connection, which has moved since.
        table.Restore(new(flow, A, new(6), AnnouncedPhase.Active, HandoffId.None, Encoded(9)));
        Assert.Equal(SwapOutcome.Refused, table.CompareAndSwap(in abort).Outcome);
    }

    [Fact]
    public void A_late_question_does_not_match_the_next_connection_at_a_home_that_was_started_anew()
    {
        var table = new FlowTable(A, Key, 16);
        var flow = FlowNumber(1);
        table.TryAdd(flow, A, Epoch.First, Encoded(9));

        // The connection before it began at the home's last life, in the same epoch.
        Assert.Equal(SwapOutcome.Gone, table.CompareAndSwap(SwapQuestion.Commit(flow, new(5), A, Epoch.First, new(7), B, Encoded(8))).Outcome);
        Assert.Equal(SwapOutcome.Gone, table.CompareAndSwap(SwapQuestion.Abort(flow, new(5), A, Epoch.First, new(7))).Outcome);
        Assert.Equal((A, Epoch.First), (table.Decide(flow).Owner, table.Decide(flow).Epoch));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_behaves_like_a_dictionary(int seed)
    {
        var random = new Random(seed);
        var key = new HashKey((ulong)random.NextInt64(), (ulong)random.NextInt64());
        const int Capacity = 300;
        var copy = new Copy();
        var table = new FlowTable(A, key, Capacity) { Observer = copy };
        var model = new Dictionary<Flow, (NodeId Owner, Epoch Epoch, EncodedReference Reference)>();
        for (int step = 0; step < 50_000; step++)
        {
            var flow = FlowNumber(random.Next(600));
            bool known = model.TryGetValue(flow, out var row);
            switch (random.Next(4))
            {
                case 0:
                    var reference = Encoded((ulong)random.NextInt64());
                    var expected = known ? AddResult.Exists : model.Count == Capacity ? AddResult.Full : AddResult.Added;
                    Assert.Equal(expected, table.TryAdd(in flow, A, Epoch.First, in reference));
                    if (expected == AddResult.Added)
                    {
                        model[flow] = (A, Epoch.First, reference);
                    }

                    break;
                case 1:
                    Assert.Equal(model.Remove(flow), table.Remove(in flow));
                    break;
                case 2 when known:
                    var next = Encoded((ulong)random.NextInt64());
                    var target = row.Owner == A ? B : A;
                    var id = new HandoffId((ulong)step + 1);
                    var result = table.CompareAndSwap(SwapQuestion.Commit(in flow, id, row.Owner, row.Epoch, ReferenceCodec.Id(row.Reference.Span), target, in next));
                    Assert.Equal(new SwapResult(SwapOutcome.Swapped, target, row.Epoch + 1, next), result);
                    model[flow] = (target, row.Epoch + 1, next);
                    break;
                default:
                    var verdict = table.Decide(in flow);
                    Assert.Equal(!known ? VerdictKind.Unknown : row.Owner == A ? VerdictKind.Local : VerdictKind.Forward, verdict.Kind);
                    Assert.Equal((row.Owner, row.Epoch), (verdict.Owner, verdict.Epoch));
                    Assert.Equal(row.Reference, verdict.Reference);
                    break;
            }
        }

        Assert.Equal(model.Count, table.Count);
        var listed = new HashSet<Flow>();
        foreach (ref readonly var entry in table)
        {
            Assert.True(listed.Add(entry.Flow));
            Assert.Equal(model[entry.Flow].Reference, entry.Reference);
            Assert.Equal((entry.Owner, entry.Epoch, entry.Reference), copy.Entries[entry.Flow]);
        }

        Assert.Equal(model.Count, listed.Count);
        Assert.Equal(model.Count, copy.Entries.Count);
    }

    [Fact]
    public void Who_is_told_of_changes_hears_what_owners_announce_and_what_is_written_off()
    {
        var copy = new Copy();
        var table = new FlowTable(A, Key, 16) { Observer = copy };
        table.Announce(new(FlowNumber(1), A, new(3), AnnouncedPhase.Active, HandoffId.None, Encoded(1)), list: 1, recovering: true);
        table.Announce(new(FlowNumber(1), B, new(4), AnnouncedPhase.Active, HandoffId.None, Encoded(2)), list: 1, recovering: true);
        table.Announce(new(FlowNumber(1), B, new(6), AnnouncedPhase.Active, HandoffId.None, Encoded(2)), list: 1, recovering: true);
        table.Restore(new(FlowNumber(2), B, new(5), AnnouncedPhase.Active, HandoffId.None, Encoded(3)));
        Assert.Equal((B, new Epoch(6), Encoded(2)), copy.Entries[FlowNumber(1)]);
        Assert.Equal((B, new Epoch(5), Encoded(3)), copy.Entries[FlowNumber(2)]);

        Assert.Equal(2, table.RemoveAll(FlowNumber(1).Tuple.LocalAddress, B));
        Assert.Empty(copy.Entries);
    }

    [Fact]
    public void The_order_of_the_entries_does_not_depend_on_the_key()
    {
        Assert.Equal(OrderWith(new(1, 2)), OrderWith(new(0xABCD_EF01_2345_6789, 99)));

        static List<Flow> OrderWith(HashKey key)
        {
            var table = new FlowTable(A, key, 1000);
            for (int number = 0; number < 1000; number++)
            {
                table.TryAdd(FlowNumber(number), A, Epoch.First, default);
                if (number % 3 == 0)
                {
                    table.Remove(FlowNumber(number / 2));
                }
            }

            var flows = new List<Flow>();
            foreach (ref readonly var entry in table)
            {
                flows.Add(entry.Flow);
            }

            return flows;
        }
    }

    [Fact]
    public void A_lookup_allocates_nothing()
    {
        var table = new FlowTable(A, Key, 10_000);
        for (int number = 0; number < 10_000; number++)
        {
            table.TryAdd(FlowNumber(number), number % 2 == 0 ? A : B, Epoch.First, Encoded(7));
        }

        long found = 0;
        Assert.Equal(0, Allocation.Steady(() =>
        {
            for (int number = 0; number < 20_000; number++)
            {
                found += table.Decide(new Flow(IpProtocol.Tcp, FlowNumberTuple(number & 0x3FFF))).Kind == VerdictKind.Unknown ? 0 : 1;
            }
        }));
        Assert.True(found > 10_000);

        static FourTuple FlowNumberTuple(int number) => new(
            InetAddress.FromV4(0xC633_6465), 80, InetAddress.FromV4(0xCB00_7100 | (uint)(number & 0xFF)), (ushort)(1024 + (number >> 8)));
    }

    /// <summary>What somebody knows who is told of changes only.</summary>
    private sealed class Copy : IFlowObserver
    {
        public Dictionary<Flow, (NodeId Owner, Epoch Epoch, EncodedReference Reference)> Entries { get; } = [];

        public void OnWritten(in FlowEntry entry) => Entries[entry.Flow] = (entry.Owner, entry.Epoch, entry.Reference);

        public void OnRemoved(in FlowEntry entry) => Assert.True(Entries.Remove(entry.Flow));
    }
}

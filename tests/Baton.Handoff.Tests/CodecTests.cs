using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>The messages on the wire: each reads back as it was written, and nothing else is taken for one.</summary>
public sealed class CodecTests
{
    private static readonly Flow V4 = new(IpProtocol.Tcp, new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.Parse("203.0.113.2"), 51234));
    private static readonly Flow V6 = new(IpProtocol.Udp, new(InetAddress.Parse("2001:db8::1"), 443, InetAddress.Parse("2001:db8:1::2"), 5));
    private static readonly EncodedReference Reference = EncodedReference.FromBytes([.. Enumerable.Range(0, 68).Select(i => (byte)i)]);

    private static IEnumerable<byte[]> Examples()
    {
        foreach (var flow in new[] { V4, V6 })
        {
            var header = new MessageHeader(MessageKind.Prepare, new(0x1122334455667788), new(7), flow);
            yield return Prepare.Write(new HandoffRequest
            {
                Id = header.Handoff, Flow = flow, Endpoint = new(1), Epoch = header.Epoch, Home = new(3), Target = new(2),
                ApplicationName = "streamer", Options = new byte[] { 1, 2, 3 }, ExpectedStateBytes = 1234,
            });
            yield return Prepared.Write(header, 99);
            yield return Reject.Write(header, HandoffReason.Draining);
            yield return [.. Precopy.WriteHead(header, 60), 1, 2, 3];
            yield return [.. State.WriteHead(header, 10, 4), 4, 5, 6, 7, 8, 9];
            yield return Ready.Write(header);
            yield return Swap.Write(SwapQuestion.Commit(flow, header.Handoff, new(1), header.Epoch, new(77), new(2), Reference));
            yield return Swap.Write(SwapQuestion.Abort(flow, header.Handoff, new(1), header.Epoch, new(77)));
            yield return Swapped.Write(header, new(HandoffOutcome.Committed, new(2), new(8), Reference));
            yield return Abort.Write(header, HandoffReason.FreezeBudget, decided: true);
            yield return Done.Write(header, new(8), Reference);
            yield return Closed.Write(flow, new(8), new(77), 3);
            yield return ClosedAck.Write(new(MessageKind.Closed, HandoffId.None, new(8), flow), new(77));
            if (flow.Protocol == IpProtocol.Tcp)
            {
                yield return Residue.Write(new(MessageKind.Residue, HandoffId.None, new(8), flow), new(77), [5, 6, 7]);
            }

            yield return ResidueAck.Write(new(MessageKind.ResidueAck, HandoffId.None, new(8), flow), new(77), taken: true);
        }
    }

    [Fact]
    public void Every_message_reads_back()
    {
        foreach (var bytes in Examples())
        {
            Assert.Equal(DropReason.None, MessageHeader.TryRead(bytes, out var header, out var body));
            Assert.True(header.Flow == V4 || header.Flow == V6);
            switch (header.Kind)
            {
                case MessageKind.Prepare:
                    Assert.True(Prepare.TryRead(header, body, out var prepare));
                    Assert.Equal((new NodeId(3), new EndpointId(1), 1234, "streamer"), (prepare.Home, prepare.Endpoint, prepare.ExpectedStateBytes, prepare.ApplicationName));
                    Assert.Equal([1, 2, 3], prepare.Options.ToArray());
                    break;
                case MessageKind.Prepared:
                    Assert.True(Prepared.TryRead(header, body, out var prepared));
                    Assert.Equal(99, prepared.PrecopiedBytes);
                    break;
                case MessageKind.Reject:
                    Assert.True(Reject.TryRead(header, body, out var reject));
                    Assert.Equal(HandoffReason.Draining, reject.Reason);
                    break;
                case MessageKind.Precopy:
                    Assert.True(Precopy.TryRead(body, out var precopy));
                    Assert.Equal(60, precopy.Offset);
                    Assert.Equal([1, 2, 3], precopy.Bytes.ToArray());
                    break;
                case MessageKind.State:
                    Assert.True(State.TryRead(body, out var state));
                    Assert.Equal((10, 4), (state.Total, state.Offset));
                    break;
                case MessageKind.Ready:
                    Assert.True(Ready.TryRead(body));
                    break;
                case MessageKind.Swap:
                    Assert.True(Swap.TryRead(header, body, out var swap));
                    Assert.Equal(bytes, Swap.Write(swap.Question));
                    Assert.Equal(new Epoch(swap.Question.IsAbort ? 9u : 8u), swap.Question.NewEpoch);
                    break;
                case MessageKind.Swapped:
                    Assert.True(Swapped.TryRead(header, body, out var swapped));
                    Assert.Equal(new Decision(HandoffOutcome.Committed, new(2), new(8), Reference), swapped.Decision);
                    break;
                case MessageKind.Abort:
                    Assert.True(Abort.TryRead(header, body, out var abort));
                    Assert.Equal((HandoffReason.FreezeBudget, true), (abort.Reason, abort.Decided));
                    break;
                case MessageKind.Done:
                    Assert.True(Done.TryRead(header, body, out var done));
                    Assert.Equal((new Epoch(8), Reference), (done.NewEpoch, done.Reference));
                    break;
                case MessageKind.Closed:
                    Assert.True(Closed.TryRead(header, body, out var closed));
                    Assert.Equal((new EndpointId(77), 3), (closed.Endpoint, closed.Reason));
                    break;
                case MessageKind.Residue:
                    Assert.True(Residue.TryRead(header, body, out var residue));
                    Assert.Equal(new EndpointId(77), residue.Endpoint);
                    Assert.Equal([5, 6, 7], residue.Bytes.ToArray());
                    break;
                case MessageKind.ResidueAck:
                    Assert.True(ResidueAck.TryRead(header, body, out var answer));
                    Assert.Equal((new EndpointId(77), true), (answer.Endpoint, answer.Taken));
                    break;
                default:
                    Assert.Equal(MessageKind.ClosedAck, header.Kind);
                    Assert.True(ClosedAck.TryRead(header, body, out var acknowledged));
                    Assert.Equal(new EndpointId(77), acknowledged.Endpoint);
                    break;
            }
        }
    }

    [Fact]
    public void A_message_cut_short_or_with_a_byte_too_many_has_no_effect()
    {
        foreach (var bytes in Examples())
        {
            // PRECOPY and STATE end where the channel's frame ends: shorter ones are other chunks.
            bool open = bytes[1] is (byte)MessageKind.Precopy or (byte)MessageKind.State;
            for (int length = 0; length < bytes.Length - (open ? 6 : 0); length++)
            {
                Assert.Equal(DropReason.MessageMalformed, Hear(bytes.AsSpan(0, length)));
            }

            if (!open)
            {
                Assert.Equal(DropReason.MessageMalformed, Hear([.. bytes, 0]));
            }
        }
    }

    [Fact]
    public void Another_version_is_named_so()
    {
        foreach (var bytes in Examples())
        {
            bytes[0]++;
            Assert.Equal(DropReason.MessageVersion, Hear(bytes));
        }
    }

    [Fact]
    public void Random_and_damaged_bytes_never_throw()
    {
        var random = new Random(20261121);
        var examples = Examples().ToArray();
        var agents = new HandoffAgent(new(2), new HandoffLimits { MaxStateBytes = 100_000, MaxBufferedBytes = 1_000_000, MaxTargetHandoffs = 50 });
        agents.OnChannelUp(Instant.Zero, new(1), 1);
        agents.OnChannelUp(Instant.Zero, new(3), 1);
        for (int i = 0; i < 200_000; i++)
        {
            byte[] bytes;
            if (i % 4 == 0)
            {
                bytes = new byte[random.Next(200)];
                random.NextBytes(bytes);
                if (bytes.Length > 1)
                {
                    (bytes[0], bytes[1]) = (1, (byte)random.Next((int)MessageKind.ResidueAck + 2));
                }
            }
            else
            {
                bytes = [.. examples[random.Next(examples.Length)]];
                for (int n = random.Next(4); n > 0; n--)
                {
                    bytes[random.Next(2, bytes.Length)] = (byte)random.Next(256);
                }
            }

            agents.OnMessage(new(i), new((ushort)(1 + 2 * random.Next(2))), bytes);
            while (agents.TryTakeOutput(out var output))
            {
                if (output is HandoffOutput.CreateEmbryo create)
                {
                    agents.OnPrepared(new(i), create.Handoff, new((ulong)i + 1));
                }
            }
        }

        Assert.InRange(agents.TargetHandoffs, 0, 50);
        Assert.InRange(agents.BufferedBytes, 0, 1_000_000);
        Assert.Equal(0, agents.SourceHandoffs);
    }

    [Fact]
    public void State_bodies_read_back_and_damaged_ones_are_refused_or_harmless()
    {
        var random = new Random(7);
        var limits = new HandoffLimits { MaxHeldPackets = 10, MaxContextBytes = 100 };
        var state = new FrozenState
        {
            Image = new byte[] { 1, 2, 3 },
            Context = new byte[] { 4 },
            Held = [new byte[] { 5, 6 }, new byte[] { 7 }],
            PrecopiedBytes = 17,
        };
        var bytes = new byte[StateBody.Length(state, limits)];
        StateBody.Write(state, bytes);
        var read = StateBody.Read(bytes, limits)!;
        Assert.Equal([1, 2, 3], read.Image.ToArray());
        Assert.Equal([4], read.Context.ToArray());
        Assert.Equal(["0506", "07"], read.Held.Select(h => Convert.ToHexString(h.Span)));
        Assert.Equal(17, read.PrecopiedBytes);

        Assert.Null(StateBody.Read(bytes.AsMemory(0, bytes.Length - 1), limits));
        Assert.Null(StateBody.Read(new byte[] { 2 }, limits));
        for (int i = 0; i < 100_000; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            StateBody.Read(damaged, limits);
        }
    }

    [Fact]
    public void State_beyond_a_limit_is_not_written()
    {
        var limits = new HandoffLimits { MaxHeldPackets = 1, MaxContextBytes = 2, MaxStateBytes = 100 };
        Assert.Equal(-1, StateBody.Length(new() { Image = new byte[100] }, limits));
        Assert.Equal(-1, StateBody.Length(new() { Image = default, Context = new byte[3] }, limits));
        Assert.Equal(-1, StateBody.Length(new() { Image = default, Held = [new byte[1], new byte[1]] }, limits));
        Assert.Equal(-1, StateBody.Length(new() { Image = default, Held = [default] }, limits));
        Assert.Equal(-1, StateBody.Length(new() { Image = new byte[10], PrecopiedBytes = 90 }, limits));
    }

    [Fact]
    public void A_chunk_fills_a_message_and_no_more()
    {
        var header = new MessageHeader(MessageKind.State, new(1), new(1), V6);
        Assert.InRange(State.WriteHead(header, HandoffLimits.ChunkBytes, 0).Length + HandoffLimits.ChunkBytes, 1, HandoffLimits.MaxMessageBytes);
    }

    private static DropReason Hear(ReadOnlySpan<byte> bytes) => new HandoffAgent(new(2), HandoffLimits.Default).OnMessage(Instant.Zero, new(1), bytes);
}

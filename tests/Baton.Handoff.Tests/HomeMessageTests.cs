using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff.Tests;

public sealed class HomeMessageTests
{
    private static readonly NodeId s_a = new(1);
    private static readonly NodeId s_b = new(2);
    private static readonly InetAddress s_address = InetAddress.Parse("198.51.100.101");
    private static readonly InetAddress s_addressV6 = InetAddress.Parse("2001:db8::101");

    [Fact]
    public void Claims_read_back()
    {
        (HomeClaim, bool)[] claims = [(new(s_address, s_a, new(7)), true), (new(s_addressV6, s_b, new(HomeMessage.MaxIncarnation)), false)];
        Assert.Equal(DropReason.None, HomeMessage.TryRead(Claims.Write(claims), out var kind, out var body));
        var read = new List<(HomeClaim, bool)>();
        Assert.True(Claims.TryRead(body, read));
        Assert.Equal(HomeMessageKind.Claims, kind);
        Assert.Equal(claims, read);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 1)]
    [InlineData(2000, 4)]
    public void A_list_is_cut_into_parts_that_read_back_in_order(int count, int parts)
    {
        var items = Enumerable.Range(0, count).Select(Item).ToList();
        HomeClaim[] claims = [new(s_address, s_a, new(7)), new(s_addressV6, s_a, new(9))];
        var read = new List<Announcement>();
        var named = new List<HomeClaim>();
        byte[][] messages = [.. ListPart.Write(5, directory: false, claims, items)];
        Assert.Equal(parts, messages.Length);
        for (int i = 0; i < messages.Length; i++)
        {
            Assert.InRange(messages[i].Length, 1, HandoffLimits.MaxMessageBytes);
            Assert.Equal(DropReason.None, HomeMessage.TryRead(messages[i], out _, out var body));
            Assert.True(ListPart.TryRead(body, out var header, named, read));
            Assert.Equal(new ListPart.Header(5, i == 0, i == parts - 1, IsDirectory: false), header);
        }

        Assert.Equal(claims, named);
        Assert.Equal(items, read);
    }

    [Fact]
    public void No_input_throws_and_what_is_malformed_changes_nothing()
    {
        byte[][] good =
        [
            Claims.Write([(new(s_address, s_b, new(7)), true)]),
            .. ListPart.Write(1, directory: false, [new(s_address, s_a, new(1))], [Item(1), Item(2)]),
            .. ListPart.Write(2, directory: true, [new(s_address, s_b, new(7))], [Item(1)]),
            HomeMessage.WriteNumber(HomeMessageKind.ListAck, 1),
            GoneMessage.Write(Item(1).Flow, new(3)),
            HomeMessage.WriteClaim(HomeMessageKind.Decline, new(s_address, s_a, new(1))),
            HomeMessage.WriteClaim(HomeMessageKind.TakeBack, new(s_address, s_a, new(1))),
            HomeMessage.WriteVote(HomeMessageKind.VoteRequest, 1, s_b, silent: false),
            HomeMessage.WriteVote(HomeMessageKind.Vote, 1, s_b, silent: true),
        ];
        var random = new Random(1);
        var agent = Agent();
        for (int run = 0; run < 200_000; run++)
        {
            byte[] message = [.. good[random.Next(good.Length)]];
            message = run % 3 == 0 ? message[..random.Next(message.Length)] : message;
            for (int flips = random.Next(4); flips > 0 && message.Length > 0; flips--)
            {
                message[random.Next(message.Length)] ^= (byte)(1 << random.Next(8));
            }

            agent.OnMessage(Instant.Zero, s_b, message);
            while (agent.TryTakeOutput(out _))
            {
            }
        }

        Assert.True(agent.Drops[DropReason.MessageMalformed] > 1000);

        foreach (byte[] message in good)
        {
            var fresh = Agent();
            ulong digest = fresh.Digest;
            for (int length = 0; length < message.Length; length++)
            {
                Assert.NotEqual(DropReason.None, fresh.OnMessage(Instant.Zero, s_b, message.AsSpan(0, length)));
            }

            Assert.Equal(DropReason.MessageMalformed, fresh.OnMessage(Instant.Zero, s_b, [.. message, 0]));
            Assert.Equal(DropReason.NotMember, fresh.OnMessage(Instant.Zero, new(9), message));
            Assert.Equal(DropReason.NotMember, fresh.OnMessage(Instant.Zero, s_a, message));
            Assert.Equal(digest, fresh.Digest);
        }
    }

    private static HomeAgent Agent()
    {
        var agent = new HomeAgent(s_a, [s_a, s_b], [(s_address, s_a), (s_addressV6, s_b)], new HomeOptions(), Instant.Zero);
        agent.OnChannelUp(Instant.Zero, s_b, 1);
        while (agent.TryTakeOutput(out _))
        {
        }

        return agent;
    }

    private static Announcement Item(int number)
    {
        bool v6 = number % 2 == 1;
        var tuple = new FourTuple(v6 ? s_addressV6 : s_address, 80, v6 ? InetAddress.Parse("2001:db8::9") : InetAddress.Parse("203.0.113.9"), (ushort)number);
        var flow = new Flow(IpProtocol.Tcp, tuple);
        var reference = ReferenceCodec.Encode(new Reference(flow, new((ulong)number + 1), new(3), InetAddress.Parse("192.0.2.1"), 80, null));
        return new(flow, s_a, new(3), AnnouncedPhase.Active, new((ulong)number), reference);
    }
}

using Baton.Wire;

namespace Baton.Membership.Tests;

/// <summary>Three members, and their exchanges joined in virtual time.</summary>
internal sealed class Farm
{
    public static readonly NodeId A = new(1);
    public static readonly NodeId B = new(2);
    public static readonly NodeId C = new(3);
    public static readonly LoadExchangeOptions Options = new();

    private readonly Dictionary<NodeId, ulong> _incarnations = new() { [A] = 1, [B] = 1, [C] = 1 };
    private readonly HashSet<NodeId> _dead = [];

    public Farm()
    {
        Exchanges = new[] { A, B, C }.ToDictionary(id => id, id => new LoadExchange(Members(), id, Options, 1, Now));
    }

    public Instant Now { get; private set; }

    public Dictionary<NodeId, LoadExchange> Exchanges { get; }

    public int Sent { get; private set; }

    public LoadExchange this[NodeId id] => Exchanges[id];

    public static MemberList Members()
    {
        Assert.True(MemberList.TryCreate(Configured(), out var list, out var errors), string.Join('\n', errors));
        return list;
    }

    public static Member[] Configured() =>
    [
        new(C, "c", InetAddress.Parse("192.0.2.3"), InetAddress.Parse("198.51.100.13")),
        new(A, "a", InetAddress.Parse("192.0.2.1"), InetAddress.Parse("198.51.100.11"))
        {
            ServiceAddresses = [InetAddress.Parse("198.51.100.101")],
        },
        new(B, "b", InetAddress.Parse("192.0.2.2"), InetAddress.Parse("198.51.100.12"), Weight: 3),
    ];

    public static MemberState State(NodeId node, uint live = 0) => new(node, 1, live, 0, 0, Draining: false, 1);

    public static InetAddress LanAddress(NodeId id) => InetAddress.FromV4(0xC000_0200u | id.Value);

    public void Kill(NodeId id) => _dead.Add(id);

    public void Restart(NodeId id)
    {
        _dead.Remove(id);
        Exchanges[id] = new LoadExchange(Members(), id, Options, ++_incarnations[id], Now);
    }

    /// <summary>Lets time go on, deadline by deadline.</summary>
    public void Run(TimeSpan duration)
    {
        var end = Now + duration;
        Deliver();
        while (true)
        {
            var next = Exchanges.Where(pair => !_dead.Contains(pair.Key)).Min(pair => pair.Value.NextDeadline);
            if (next > end)
            {
                break;
            }

            Now = Instant.Max(Now, next);
            foreach (var (id, exchange) in Exchanges)
            {
                if (!_dead.Contains(id) && exchange.NextDeadline <= Now)
                {
                    exchange.OnDeadline(Now);
                }
            }

            Deliver();
        }

        Now = end;
    }

    public List<MemberEvent> Events(NodeId id)
    {
        var events = new List<MemberEvent>();
        while (Exchanges[id].TryTakeEvent(out var change))
        {
            events.Add(change);
        }

        return events;
    }

    private void Deliver()
    {
        byte[] datagram = new byte[LoadDatagram.Length];
        foreach (var (id, exchange) in Exchanges)
        {
            while (!_dead.Contains(id) && exchange.TryEmit(datagram, out var to, out int length))
            {
                Sent++;
                Assert.Equal(LoadDatagram.Length, length);
                if (!_dead.Contains(to.Id))
                {
                    Assert.Equal(DropReason.None, Exchanges[to.Id].OnDatagram(Now, LanAddress(id), datagram.AsSpan(0, length)));
                }
            }
        }
    }
}

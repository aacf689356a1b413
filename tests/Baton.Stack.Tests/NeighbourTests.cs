using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>The states of a neighbour (RFC 4861 §7.3), which are the same for ARP and for Neighbor Discovery.</summary>
public sealed class NeighbourTests
{
    private static readonly Instant Start = Instant.Zero;

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_neighbour_that_was_only_heard_is_used_and_asked_by_unicast_five_seconds_later(bool v6)
    {
        var host = Knowing(v6, out var endpoint);
        endpoint.Send(Start, [1]);
        Assert.Equal<byte[]>([1], host.EmitOne(Start).UdpPayload);

        var later = Start + TimeSpan.FromSeconds(5);
        Assert.Equal(later, host.Stack.NextDeadline);
        host.Stack.OnDeadline(later);
        var question = host.EmitOne(later);
        Assert.Equal(Host.ClientMac, question.Link.Destination);
        AssertAsks(question, v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_confirmed_neighbour_is_left_alone_for_half_a_minute_on_average_and_longer_when_nobody_uses_it(bool v6)
    {
        var host = Knowing(v6, out var endpoint);
        endpoint.Send(Start, [1]);
        host.Emit(Start);
        var now = Start + TimeSpan.FromSeconds(5);
        host.Stack.OnDeadline(now);
        host.Emit(now);
        Confirm(host, now, v6);

        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
        now += TimeSpan.FromSeconds(14);
        endpoint.Send(now, [2]);
        Assert.Single(host.Emit(now));
        Assert.Equal(Instant.Never, host.Stack.NextDeadline);

        now += TimeSpan.FromSeconds(40);
        endpoint.Send(now, [3]);
        Assert.Single(host.Emit(now));
        Assert.Equal(now + TimeSpan.FromSeconds(5), host.Stack.NextDeadline);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_neighbour_that_answers_no_more_is_asked_for_of_everybody_and_then_given_up(bool v6)
    {
        var host = Knowing(v6, out var endpoint);
        endpoint.Send(Start, [1]);
        host.Emit(Start);
        int unicast = 0;
        int group = 0;
        while (host.Stack.NextDeadline is var now && now <= Start + TimeSpan.FromSeconds(11))
        {
            host.Stack.OnDeadline(now);
            foreach (var frame in host.Emit(now))
            {
                unicast += frame.Link.Destination == Host.ClientMac ? 1 : 0;
                group += frame.Link.Destination.IsMulticast ? 1 : 0;
            }
        }

        Assert.Equal((3, 3), (unicast, group));
        Assert.Equal(UdpSendResult.Unreachable, endpoint.Send(Start + TimeSpan.FromSeconds(12), [2]));
        host.Pool.AssertNoneLent();
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Addresses_that_nobody_has_fill_half_of_the_cache_at_most(bool v6)
    {
        var host = Host.AtHome(new StackLimits { Neighbours = 8 });
        Knowing(host, v6);
        for (int i = 1; i <= 20; i++)
        {
            var nobody = InetAddress.Parse(v6 ? $"2001:db8:1::dead:{i}" : $"198.51.100.{200 + i}");
            host.Stack.BindUdp(Start, new FourTuple(v6 ? Host.NodeV6 : Host.Node, (ushort)(8000 + i), nobody, 1))!.Send(Start, [1]);
        }

        Assert.Equal(4, host.Emit(Start).Count);
        Assert.Equal(16, host.Stack.Drops[DropReason.NeighbourUnresolved]);
        Bind(host, v6).Send(Start, [7]);
        Assert.Equal<byte[]>([7], host.EmitOne(Start).UdpPayload);
    }

    [Fact]
    public void An_unsolicited_advertisement_without_override_makes_a_known_neighbour_doubtful_but_does_not_move_it()
    {
        var host = Knowing(v6: true, out var endpoint);
        Confirm(host, Start, v6: true);
        host.Receive(Start, Frames.Advertisement(Host.ClientV6, Host.OtherNodeMac, InetAddress.AllNodes, solicited: false, overrides: false));
        endpoint.Send(Start, [1]);
        Assert.Equal(Host.ClientMac, host.EmitOne(Start).Link.Destination);
        Assert.Equal(Start + TimeSpan.FromSeconds(5), host.Stack.NextDeadline);
    }

    [Fact]
    public void An_unsolicited_advertisement_with_override_moves_a_known_neighbour()
    {
        var host = Knowing(v6: true, out var endpoint);
        host.Receive(Start, Frames.Advertisement(Host.ClientV6, Host.OtherNodeMac, InetAddress.AllNodes, solicited: false));
        endpoint.Send(Start, [1]);
        Assert.Equal(Host.OtherNodeMac, host.EmitOne(Start).Link.Destination);
    }

    [Fact]
    public void An_advertisement_of_somebody_nobody_asked_for_makes_no_entry()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Advertisement(Host.ClientV6, Host.ClientMac, InetAddress.AllNodes, solicited: false));
        Bind(host, v6: true).Send(Start, [1]);
        AssertAsks(host.EmitOne(Start), v6: true);
    }

    private static Host Knowing(bool v6, out UdpEndpoint endpoint)
    {
        var host = Host.AtHome();
        Knowing(host, v6);
        endpoint = Bind(host, v6);
        return host;
    }

    private static void Knowing(Host host, bool v6) => host.Knowing(v6 ? Host.ClientV6 : Host.Client, Host.ClientMac);

    private static UdpEndpoint Bind(Host host, bool v6) => host.Stack.BindUdp(
        Start, v6 ? new FourTuple(Host.NodeV6, 7000, Host.ClientV6, 7000) : new FourTuple(Host.Node, 7000, Host.Client, 7000))!;

    private static void Confirm(Host host, Instant now, bool v6) => host.Receive(now, v6
        ? Frames.Advertisement(Host.ClientV6, Host.ClientMac, host.LinkLocal)
        : Frames.Arp(ArpOperation.Reply, Host.ClientMac, Host.Client, Host.Node, Host.NodeMac));

    private static void AssertAsks(Frame frame, bool v6)
    {
        if (v6)
        {
            Assert.False(frame.Neighbour.IsAdvertisement);
            Assert.Equal(Host.ClientV6, frame.Neighbour.Target);
            Assert.Equal(255, frame.Packet.Ttl);
        }
        else
        {
            Assert.Equal(ArpOperation.Request, frame.Arp.Operation);
            Assert.Equal(Host.Client, frame.Arp.TargetAddress);
        }
    }
}

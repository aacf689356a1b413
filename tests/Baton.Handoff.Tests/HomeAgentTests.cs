using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff.Tests;

/// <summary>The home role alone, with two members that a test speaks for.</summary>
public sealed class HomeAgentTests
{
    private static readonly NodeId s_a = new(1);
    private static readonly NodeId s_b = new(2);
    private static readonly NodeId s_c = new(3);
    private static readonly InetAddress s_address = InetAddress.Parse("198.51.100.101");
    private static readonly HomeOptions s_options = new();
    private static readonly HomeClaim s_claim = new(s_address, s_a, new(7));
    private static readonly HomeClaim s_next = new(s_address, s_a, new(8));

    private readonly HomeAgent _home = new(s_a, [s_a, s_b, s_c], [(s_address, s_a)], s_options, Instant.Zero);

    [Fact]
    public void A_home_waits_for_the_lists_of_members_that_it_reaches_though_another_stays_away()
    {
        _home.OnChannelUp(Instant.Zero, s_b, 1);
        Hear(Instant.Zero, s_b, Claims.Write([(s_claim, true)]));
        Assert.Equal(HomePhase.Asking, _home.PhaseOf(s_address));

        // A list for the node's last life, of which it knows nothing: B is not to go on by it.
        Hear(Instant.Zero, s_b, ListPart.Write(1, directory: false, [s_claim], [Item()]).Single());
        Assert.DoesNotContain(TakeAll().OfType<HomeOutput.Send>(), send => (HomeMessageKind)send.Message.Span[1] == HomeMessageKind.ListAck);

        // C has said nothing until its lease is over: nobody else can be home, and B is told so.
        var now = Instant.Zero + s_options.Recovery;
        _home.OnDeadline(now);
        TakeAll();
        Assert.Equal(HomePhase.Recovering, _home.PhaseOf(s_address));
        Assert.True(_home.NextDeadline > now);

        Hear(now, s_b, ListPart.Write(1, directory: false, [s_next], [Item()]).Single());
        var announced = Assert.Single(TakeAll().OfType<HomeOutput.Announce>());
        Assert.True(announced.Recovering);
        Assert.Equal(HomePhase.Serving, _home.PhaseOf(s_address));
    }

    [Fact]
    public void A_home_waits_for_the_list_of_a_member_that_it_hears_and_has_no_channel_with_yet()
    {
        _home.OnChannelUp(Instant.Zero, s_b, 1);
        Hear(Instant.Zero, s_b, Claims.Write([(s_claim, true)]));
        _home.OnMemberReachable(s_c);
        var now = Instant.Zero + s_options.Recovery;
        _home.OnDeadline(now);
        Hear(now, s_b, ListPart.Write(1, directory: false, [s_next], []).Single());
        TakeAll();
        Assert.Equal(HomePhase.Recovering, _home.PhaseOf(s_address));

        _home.OnChannelUp(now, s_c, 1);
        Hear(now, s_c, Claims.Write([(s_next, true)]));
        Hear(now, s_c, ListPart.Write(1, directory: false, [s_next], []).Single());
        TakeAll();
        Assert.Equal(HomePhase.Serving, _home.PhaseOf(s_address));
    }

    [Fact]
    public void A_taker_lets_its_own_endpoints_speak_once_it_knows_those_of_the_others()
    {
        var taker = new HomeAgent(s_b, [s_a, s_b, s_c], [(s_address, s_a)], s_options, Instant.Zero);
        taker.OnChannelUp(Instant.Zero, s_a, 1);
        taker.OnChannelUp(Instant.Zero, s_c, 1);
        taker.OnMessage(Instant.Zero, s_a, Claims.Write([(s_claim, true)]));
        taker.OnChannelDown(Instant.Zero, s_a);
        taker.OnLease(Instant.Zero, s_a, holds: false);
        taker.TakeOver(Instant.Zero, s_a, silent: true, force: true);
        while (taker.TryTakeOutput(out var output))
        {
            Assert.IsNotType<HomeOutput.Speak>(output);
            if (output is HomeOutput.ListEndpoints list)
            {
                taker.OnListed(Instant.Zero, list.Home, list.Number, []);
            }
        }

        Assert.Equal((HomePhase.Recovering, false), (taker.PhaseOf(s_address), taker.MaySpeak(s_address)));
        taker.OnDeadline(Instant.Zero + 2 * s_options.Recovery);
        Assert.Equal((HomePhase.Serving, true), (taker.PhaseOf(s_address), taker.MaySpeak(s_address)));
    }

    [Fact]
    public void A_home_does_not_wait_for_ever_for_the_list_of_a_member_that_it_reaches()
    {
        _home.OnChannelUp(Instant.Zero, s_b, 1);
        Hear(Instant.Zero, s_b, Claims.Write([(s_claim, true)]));
        _home.OnDeadline(Instant.Zero + s_options.Recovery);
        TakeAll();
        _home.OnDeadline(Instant.Zero + 2 * s_options.Recovery);
        Assert.Equal(HomePhase.Serving, _home.PhaseOf(s_address));
    }

    [Fact]
    public void A_node_that_hears_less_than_half_of_the_members_claims_nothing_until_it_does()
    {
        var late = Instant.Zero + s_options.Recovery;
        _home.OnDeadline(late);
        Assert.Equal(HomePhase.Asking, _home.PhaseOf(s_address));
        Assert.True(_home.NextDeadline > late);

        // B has not heard of another home: more than half of all would have had to speak for that.
        _home.OnChannelUp(late, s_b, 1);
        Hear(late, s_b, Claims.Write([(s_claim, true)]));
        Assert.Equal((HomePhase.Recovering, s_next), (_home.PhaseOf(s_address), _home.Addresses.Single().Claim));
    }

    [Fact]
    public void A_node_that_is_alone_claims_its_own_addresses_when_the_operator_answers_for_the_others()
    {
        _home.TakeOver(Instant.Zero, s_a, silent: true, force: true);
        var ended = Assert.Single(TakeAll().OfType<HomeOutput.TakeoverEnded>());
        Assert.Equal((s_a, TakeoverResult.Taken, s_address), (ended.From, ended.Result, ended.Addresses.Single()));
        _home.OnDeadline(Instant.Zero + s_options.Recovery);
        Assert.Equal(HomePhase.Serving, _home.PhaseOf(s_address));
    }

    [Fact]
    public void Of_two_nodes_one_that_is_started_alone_is_home_of_its_addresses_in_time()
    {
        var home = new HomeAgent(s_a, [s_a, s_b], [(s_address, s_a)], s_options, Instant.Zero);
        Assert.Equal(HomePhase.Asking, home.PhaseOf(s_address));
        home.OnDeadline(Instant.Zero + s_options.Recovery);
        TakeAll(home);
        home.OnDeadline(Instant.Zero + s_options.Recovery);
        Assert.Equal(HomePhase.Serving, home.PhaseOf(s_address));
    }

    [Fact]
    public void An_owner_is_told_what_is_gone_before_its_list_is_acknowledged()
    {
        Serve();
        Hear(Instant.Zero, s_b, ListPart.Write(2, directory: false, [s_next], [Item()]).Single());
        var kinds = new List<HomeMessageKind>();
        while (_home.TryTakeOutput(out var output))
        {
            if (output is HomeOutput.Announce announce)
            {
                _home.OnAnnounced(announce.Announced, gone: true);
            }
            else if (output is HomeOutput.Send send)
            {
                kinds.Add((HomeMessageKind)send.Message.Span[1]);
            }
        }

        // An acknowledged owner emits again.
        Assert.Equal([HomeMessageKind.Gone, HomeMessageKind.ListAck], kinds);
    }

    [Fact]
    public void An_acknowledged_list_does_not_wake_what_became_active_after_it_was_made()
    {
        var owner = new HomeAgent(s_b, [s_a, s_b, s_c], [(s_address, s_a)], s_options, Instant.Zero);
        owner.OnChannelUp(Instant.Zero, s_a, 1);
        Assert.Equal(DropReason.None, owner.OnMessage(Instant.Zero, s_a, Claims.Write([(s_claim, true)])));
        TakeAll(owner);
        owner.OnLease(Instant.Zero, s_a, holds: false);
        owner.OnLease(Instant.Zero, s_a, holds: true);
        ulong list = TakeAll(owner).OfType<HomeOutput.ListEndpoints>().Last().Number;
        owner.OnSilentlyActive(s_address);
        ulong next = TakeAll(owner).OfType<HomeOutput.ListEndpoints>().Last().Number;

        owner.OnMessage(Instant.Zero, s_a, HomeMessage.WriteNumber(HomeMessageKind.ListAck, list));
        Assert.False(owner.MaySpeak(s_address));
        owner.OnMessage(Instant.Zero, s_a, HomeMessage.WriteNumber(HomeMessageKind.ListAck, next));
        Assert.True(owner.MaySpeak(s_address));
    }

    [Fact]
    public void A_home_writes_off_a_member_that_it_has_never_heard()
    {
        _home.OnMemberReachable(s_b);
        Serve();
        _home.OnDeadline(Instant.Zero + s_options.Recovery + s_options.WriteOff);
        var outputs = TakeAll();
        Assert.Equal(s_c, Assert.Single(outputs.OfType<HomeOutput.WriteOff>()).Owner);

        // Nor does anything arrive there any more that this home had said before.
        Assert.Equal(s_c, Assert.Single(outputs.OfType<HomeOutput.BreakChannel>()).Peer);
    }

    [Theory]
    [InlineData(false, true)] // what it has been given on the new channel is lost with it
    [InlineData(true, false)]
    public void A_member_that_makes_a_channel_after_it_was_written_off_is_written_off_again_unless_it_is_heard(bool heard, bool writtenOff)
    {
        _home.OnMemberReachable(s_b);
        Serve();
        var now = Instant.Zero + s_options.Recovery + s_options.WriteOff;
        _home.OnDeadline(now);
        TakeAll();
        _home.OnDeadline(now += s_options.WriteOff);
        Assert.Empty(TakeAll().OfType<HomeOutput.WriteOff>());

        _home.OnChannelUp(now, s_c, 1);
        if (heard)
        {
            _home.OnMemberReachable(s_c);
        }

        _home.OnDeadline(now + (s_options.WriteOff / 2));
        Assert.Empty(TakeAll().OfType<HomeOutput.WriteOff>());
        Assert.Equal(writtenOff, _home.NextDeadline <= now + s_options.WriteOff);
        _home.OnDeadline(now + s_options.WriteOff);
        Assert.Equal(writtenOff, TakeAll().OfType<HomeOutput.WriteOff>().Any(output => output.Owner == s_c));
    }

    [Fact]
    public void An_heir_lets_its_own_silent_endpoints_speak_when_the_directory_has_been_asked_for_them()
    {
        var heir = Silenced();
        heir.OnMessage(Instant.Zero, s_a, ListPart.Write(1, directory: true, [s_claim], []).Single());
        while (heir.TryTakeOutput(out var output))
        {
            Assert.IsNotType<HomeOutput.Speak>(output);
            if (output is HomeOutput.ListEndpoints list)
            {
                heir.OnListed(Instant.Zero, list.Home, list.Number, [Item()]);
                break;
            }
        }

        Assert.Equal(HomePhase.Serving, heir.PhaseOf(s_address));
        var then = TakeAll(heir).Where(output => output is HomeOutput.Announce or HomeOutput.Speak).ToArray();
        Assert.False(Assert.IsType<HomeOutput.Announce>(then[0]).Recovering);
        Assert.IsType<HomeOutput.Speak>(then[1]);
    }

    [Fact]
    public void An_heir_does_not_write_off_what_a_member_has_had_since_it_was_started_anew()
    {
        var heir = new HomeAgent(s_b, [s_a, s_b, s_c], [(s_address, s_a)], s_options, Instant.Zero);
        heir.OnChannelUp(Instant.Zero, s_a, 1);
        heir.OnChannelUp(Instant.Zero, s_c, 1);
        heir.OnMessage(Instant.Zero, s_a, Claims.Write([(s_claim, true)]));
        TakeAll(heir);

        // c has been started anew, the home has met it and this node has not.
        heir.OnChannelDown(Instant.Zero, s_c);
        heir.OnMessage(Instant.Zero, s_a, ListPart.Write(1, directory: true, [s_claim], [Item()]).Single());
        Assert.Equal(HomePhase.Serving, heir.PhaseOf(s_address));
        heir.OnChannelUp(Instant.Zero, s_c, 2);
        Assert.Empty(TakeAll(heir).OfType<HomeOutput.WriteOff>());

        // What it had when they have met is over with its next start.
        heir.OnChannelDown(Instant.Zero, s_c);
        heir.OnChannelUp(Instant.Zero, s_c, 3);
        Assert.Equal(s_c, Assert.Single(TakeAll(heir).OfType<HomeOutput.WriteOff>()).Owner);
    }

    [Theory]
    [InlineData(8, false, true, false)] // another home recovers: it would believe what the last one may have given up
    [InlineData(8, true, true, true)] // it has the directory, and tells
    [InlineData(8, false, false, true)] // the last home was not heard again: it was lost before it could give anything up
    [InlineData(1, false, true, true)] // nor in so short a time
    public void What_was_silent_for_long_goes_on_with_no_home_that_recovers(int leases, bool serving, bool heardAgain, bool goesOn)
    {
        var owner = Silenced();
        var now = Instant.Zero + leases * s_options.Lease;
        owner.OnChannelDown(Instant.Zero, s_a);
        if (heardAgain)
        {
            owner.OnChannelUp(now, s_a, 1);
        }

        Assert.DoesNotContain(TakeAll(owner), output => output is HomeOutput.EndSilent);
        owner.OnMessage(now, s_c, Claims.Write([(new HomeClaim(s_address, s_c, new(8)), serving)]));
        Assert.Equal(goesOn, !TakeAll(owner).Exists(output => output is HomeOutput.EndSilent));
    }

    [Theory]
    [InlineData(true, false, false)] // a home that serves may have given up what its owner did not list to it
    [InlineData(false, false, false)] // the same of one that was known before it served
    [InlineData(true, true, true)] // it has the list
    public void What_was_silent_when_a_home_began_to_serve_goes_on_with_no_other_that_recovers(bool atOnce, bool acknowledged, bool goesOn)
    {
        var owner = Silenced();
        var claim = new HomeClaim(s_address, s_c, new(8));
        owner.OnMessage(Instant.Zero, s_c, Claims.Write([(claim, atOnce)]));
        owner.OnMessage(Instant.Zero, s_c, Claims.Write([(claim, true)]));
        ulong list = TakeAll(owner).OfType<HomeOutput.ListEndpoints>().Last().Number;
        if (acknowledged)
        {
            owner.OnMessage(Instant.Zero, s_c, HomeMessage.WriteNumber(HomeMessageKind.ListAck, list));
        }

        Assert.DoesNotContain(TakeAll(owner), output => output is HomeOutput.EndSilent);
        owner.OnMessage(Instant.Zero, s_a, Claims.Write([(new HomeClaim(s_address, s_a, new(9)), false)]));
        Assert.Equal(goesOn, !TakeAll(owner).Exists(output => output is HomeOutput.EndSilent));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_became_active_in_silence_is_as_old_as_the_rest_once_its_home_is_lost(bool byClaim)
    {
        var owner = Silenced();
        if (byClaim)
        {
            owner.OnMessage(Instant.Zero, s_c, Claims.Write([(new HomeClaim(s_address, s_c, new(8)), false)]));
        }
        else
        {
            owner.OnChannelDown(Instant.Zero, s_a);
        }

        Assert.Contains(new HomeOutput.Silence(s_address), TakeAll(owner));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_home_has_acknowledged_after_a_long_silence_goes_on_with_the_next(bool byChannel)
    {
        var owner = Silenced();
        var now = Instant.Zero + 8 * s_options.Lease;
        if (byChannel)
        {
            owner.OnChannelDown(now, s_a);
            owner.OnChannelUp(now, s_a, 1);
            owner.OnMessage(now, s_a, Claims.Write([(s_claim, true)]));
        }
        else
        {
            owner.OnLease(now, s_a, holds: true);
        }

        ulong list = TakeAll(owner).OfType<HomeOutput.ListEndpoints>().Last().Number;
        owner.OnMessage(now, s_a, HomeMessage.WriteNumber(HomeMessageKind.ListAck, list));
        owner.OnMessage(now, s_c, Claims.Write([(new HomeClaim(s_address, s_c, new(8)), false)]));
        Assert.DoesNotContain(TakeAll(owner), output => output is HomeOutput.EndSilent);
    }

    [Fact]
    public void A_home_that_was_started_anew_after_a_long_silence_has_given_nothing_up()
    {
        var owner = Silenced();
        var now = Instant.Zero + 8 * s_options.Lease;
        owner.OnChannelDown(Instant.Zero, s_a);
        owner.OnChannelUp(now, s_a, 2);
        owner.OnMessage(now, s_a, Claims.Write([(s_next, false)]));
        Assert.DoesNotContain(TakeAll(owner), output => output is HomeOutput.EndSilent);
    }

    /// <summary>Node B, whose home A's lease has ended.</summary>
    private static HomeAgent Silenced()
    {
        var owner = new HomeAgent(s_b, [s_a, s_b, s_c], [(s_address, s_a)], s_options, Instant.Zero);
        owner.OnChannelUp(Instant.Zero, s_a, 1);
        owner.OnChannelUp(Instant.Zero, s_c, 1);
        owner.OnMessage(Instant.Zero, s_a, Claims.Write([(s_claim, true)]));
        TakeAll(owner);
        owner.OnLease(Instant.Zero, s_a, holds: false);
        Assert.False(owner.MaySpeak(s_address));
        TakeAll(owner);
        return owner;
    }

    private void Serve()
    {
        _home.OnChannelUp(Instant.Zero, s_b, 1);
        Hear(Instant.Zero, s_b, Claims.Write([(s_claim, true)]));
        _home.OnDeadline(Instant.Zero + s_options.Recovery);
        TakeAll();
        Hear(Instant.Zero, s_b, ListPart.Write(1, directory: false, [s_next], []).Single());
        Assert.Equal(HomePhase.Serving, _home.PhaseOf(s_address));
        TakeAll();
    }

    private void Hear(Instant now, NodeId from, byte[] message) => Assert.Equal(DropReason.None, _home.OnMessage(now, from, message));

    /// <summary>What the role wants done, and what it asks answered: this node has no endpoints.</summary>
    private List<HomeOutput> TakeAll() => TakeAll(_home);

    private static List<HomeOutput> TakeAll(HomeAgent agent)
    {
        var all = new List<HomeOutput>();
        while (agent.TryTakeOutput(out var output))
        {
            all.Add(output);
            if (output is HomeOutput.ListEndpoints list)
            {
                agent.OnListed(Instant.Zero, list.Home, list.Number, []);
            }
        }

        return all;
    }

    private static Announcement Item()
    {
        var flow = new Flow(IpProtocol.Tcp, new(s_address, 80, InetAddress.Parse("203.0.113.2"), 40_000));
        return new(flow, s_b, new(2), AnnouncedPhase.Active, HandoffId.None, ReferenceCodec.Encode(new Reference(flow, new(77), new(2), InetAddress.Parse("192.0.2.2"), 80, null)));
    }
}

using Baton.Membership;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Carries the load exchange over UDP on the lan.</summary>
internal sealed class MembershipPort
{
    private readonly Shard _shard;
    private readonly UdpEndpoint _endpoint;
    private readonly byte[] _buffer = new byte[LoadDatagram.Length + DatagramSeal.Length + 1];
    private Instant _nextState;

    public MembershipPort(Shard shard)
    {
        _shard = shard;
        var any = InetAddress.Any(shard.Farm.Self.LanAddress.Family);
        _endpoint = shard.Stack.BindUdp(shard.Started, new FourTuple(shard.Farm.Self.LanAddress, LoadDatagram.Port, any, 0))
            ?? throw new InvalidOperationException("The port of the load exchange is taken.");
    }

    /// <summary>When <see cref="Run"/> has something to do.</summary>
    public Instant NextDeadline => Instant.Min(_nextState, _shard.Exchange.NextDeadline);

    /// <summary>Takes datagrams, tells this node's state when it is time, and reports who came and went.</summary>
    public void Run()
    {
        var exchange = _shard.Exchange;
        while (_endpoint.TryReceive(_buffer, out int length, out var address, out _))
        {
            var reason = Open(address, ref length);
            reason = reason == DropReason.None ? exchange.OnDatagram(_shard.Now, address, _buffer.AsSpan(0, length)) : reason;
            if (reason != DropReason.None)
            {
                _shard.Drops.Count(reason);
            }
        }

        bool isRound = _shard.Now >= _nextState;
        if (isRound)
        {
            _nextState = _shard.Now + _shard.Options.MembershipInterval;
            exchange.OnOwnState(_shard.Now, _shard.MeasureState());
        }

        if (_shard.Now >= exchange.NextDeadline)
        {
            exchange.OnDeadline(_shard.Now);
        }

        while (exchange.TryEmit(_buffer, out var to, out int length))
        {
            if (_shard.Sessions is { } sessions)
            {
                if (sessions.Shared(to.Id) is not { } session)
                {
                    // The first thing that the peer will hear is an attempt to agree on keys.
                    continue;
                }

                length = session.Datagrams.Seal(_buffer, length);
            }

            _endpoint.SendTo(_shard.Now, _buffer.AsSpan(0, length), to.LanAddress, LoadDatagram.Port);
        }

        _shard.Members = exchange.View;
        while (exchange.TryTakeEvent(out var change))
        {
            if (change.Restarted && exchange.View.TryFind(change.Member, out var member))
            {
                _shard.Channels.OnRestarted(change.Member, member.State.Incarnation);
            }

            if (change.Status == MemberStatus.Unreachable)
            {
                var lost = change.Member;
                _shard.OnEach(shard => shard.Handoffs.OnMemberUnreachable(lost));
                _shard.Homes.OnMemberUnreachable(change.Member);
            }
            else
            {
                _shard.Channels.OnReachable(change.Member);
                _shard.Homes.OnMemberReachable(change.Member);
            }
        }

        _shard.Homes.CheckLeases();

        if (isRound)
        {
            var view = exchange.View;
            _shard.OnEach(shard => TellWhoIsStillUnreachable(shard, view));
            _shard.Services.TellCandidates();

            _shard.Moves.OnStates();
        }
    }

    /// <summary>Finds out whether the member at an address has sealed a datagram, and takes the seal off.</summary>
    private DropReason Open(InetAddress address, ref int length)
    {
        if (_shard.Sessions is not { } sessions)
        {
            return DropReason.None;
        }

        var member = _shard.Farm.Members.AtLanAddress(address);
        if (member == NodeId.None || member == _shard.Farm.Self.Id)
        {
            return DropReason.NotMember;
        }

        var datagram = _buffer.AsSpan(0, length);
        if (length != LoadDatagram.Length + DatagramSeal.Length
            || sessions.Find(member, DatagramSeal.SessionOf(datagram)) is not { } session
            || !session.Datagrams.IsAuthentic(datagram))
        {
            return DropReason.MessageUnauthentic;
        }

        sessions.OnHeard(member, session);
        length = LoadDatagram.Length;
        return LoadDatagram.TryRead(datagram[..length], out var read) == DropReason.None && read.State.Incarnation != session.PeerIncarnation
            ? DropReason.MessageStale
            : DropReason.None;
    }

    /// <summary>A peer may begin a handoff on its channel and die before its first datagram is heard: no change would tell of that.</summary>
    private static void TellWhoIsStillUnreachable(Shard shard, MembershipView view)
    {
        if (shard.RunningHandoffs == 0)
        {
            return;
        }

        foreach (var member in view.Members)
        {
            if (member.Status == MemberStatus.Unreachable)
            {
                shard.Handoffs.OnMemberUnreachable(member.Member.Id);
            }
        }
    }

    /// <summary>
    /// This node's state has changed in a way that everybody should know at once: <see cref="Shard.Members"/> has it when
    /// this returns, and the others get it with the next <see cref="Run"/>.
    /// </summary>
    public void TellNow()
    {
        _shard.Exchange.OnOwnState(_shard.Now, _shard.MeasureState());
        _shard.Members = _shard.Exchange.View;
        _nextState = _shard.Now;
    }
}

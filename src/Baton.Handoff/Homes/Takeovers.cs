using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// Takeovers of a dead home's addresses: this node's own, one at a time, and its word in those of others. More than half of
/// all members must have heard nothing of the home for lease and margin; a home goes on only while at least half of the
/// members that it knows hear it, so both cannot be.
/// </summary>
internal sealed class Takeovers(HomeOutbox outbox, int members, HomeOptions options)
{
    private readonly HashSet<NodeId> _for = [];
    private Running? _running;
    private Ended? _ended;
    private ulong _number;
    private Instant _promiseEnds = Instant.Never;

    /// <summary>
    /// Not 0 while this node has spoken for a takeover and not heard what came of it: meanwhile it renews nobody's lease.
    /// </summary>
    public ulong Promise { get; private set; }

    public Instant NextDeadline => Instant.Min(_promiseEnds, _running?.Until ?? Instant.Never);

    public void Begin(Instant now, NodeId from, bool hasAddresses, bool silent, bool force, IEnumerable<NodeId> all)
    {
        if (_running is not null)
        {
            outbox.Add(new HomeOutput.TakeoverEnded(from, TakeoverResult.Busy, NodeId.None, []));
        }
        else if (!hasAddresses || from == outbox.Self)
        {
            _ended = new(from, TakeoverResult.NothingToTake, NodeId.None);
        }
        else if (!silent)
        {
            _ended = new(from, TakeoverResult.StillHeard, outbox.Self);
        }
        else if (force)
        {
            _ended = new(from, TakeoverResult.Taken, NodeId.None);
        }
        else
        {
            _running = new(from, ++_number, now + options.VoteTime);
            _for.Clear();
            Count(outbox.Self);
            foreach (var member in all)
            {
                if (member != from)
                {
                    outbox.Send(member, HomeMessage.WriteVote(HomeMessageKind.VoteRequest, _number, from, silent: false));
                }
            }
        }
    }

    /// <summary>What came of this node's takeover, once.</summary>
    public bool TryEnd(out Ended ended)
    {
        ended = _ended.GetValueOrDefault();
        bool any = _ended is not null;
        _ended = null;
        return any;
    }

    public DropReason OnRequest(NodeId from, ulong number, NodeId home)
    {
        if (home == outbox.Self)
        {
            outbox.Send(from, HomeMessage.WriteVote(HomeMessageKind.Vote, number, home, silent: false));
        }
        else
        {
            outbox.Add(new HomeOutput.AskSilence(from, number, home));
        }

        return DropReason.None;
    }

    public void OnSilence(Instant now, NodeId asker, ulong number, NodeId home, bool silent)
    {
        if (silent)
        {
            Promise = 1;
            _promiseEnds = now + 2 * options.VoteTime;
        }

        outbox.Send(asker, HomeMessage.WriteVote(HomeMessageKind.Vote, number, home, silent));
    }

    public DropReason OnVote(NodeId from, ulong number, NodeId home, bool silent)
    {
        if (_running is not { } running || running.Number != number || running.From != home)
        {
            return DropReason.MessageStale;
        }

        if (silent)
        {
            Count(from);
        }
        else
        {
            End(TakeoverResult.StillHeard, from);
        }

        return DropReason.None;
    }

    /// <summary>A claim has come: if it is the one that this node spoke for, the digest tells by itself.</summary>
    public void OnClaim()
    {
        Promise = 0;
        _promiseEnds = Instant.Never;
    }

    public void OnDeadline(Instant now)
    {
        if (now >= _promiseEnds)
        {
            OnClaim();
        }

        if (_running is { } running && now >= running.Until)
        {
            End(TakeoverResult.NoMajority, NodeId.None);
        }
    }

    private void Count(NodeId node)
    {
        _for.Add(node);
        if (2 * _for.Count > members)
        {
            End(TakeoverResult.Taken, NodeId.None);
        }
    }

    private void End(TakeoverResult result, NodeId by)
    {
        _ended = new(_running!.Value.From, result, by);
        _running = null;
    }

    internal readonly record struct Ended(NodeId From, TakeoverResult Result, NodeId By);

    private readonly record struct Running(NodeId From, ulong Number, Instant Until);
}

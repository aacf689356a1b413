using Baton.Wire;

namespace Baton.Link;

/// <summary>How a <see cref="Relay"/> treats what passes it.</summary>
public sealed record RelayOptions
{
    /// <summary>What happens from the first link to the second.</summary>
    public FaultProfile Forward { get; init; } = FaultProfile.Perfect;

    /// <summary>What happens from the second link to the first.</summary>
    public FaultProfile Backward { get; init; } = FaultProfile.Perfect;

    /// <summary>Everything random follows from it.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Most bytes under way in each direction; more are dropped and counted.</summary>
    public long QueueBytes { get; init; } = 256L << 20;
}

/// <summary>What passed a <see cref="Relay"/> in one direction. Other threads may read it; the values are then a little old.</summary>
public sealed class RelayCounters
{
    /// <summary>Frames received.</summary>
    public long Frames { get; internal set; }

    /// <summary>Bytes received.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Frames longer than the MTU, with their offload state.</summary>
    public long SuperFrames { get; internal set; }

    /// <summary>Frames sent.</summary>
    public long Sent { get; internal set; }

    /// <summary>What was lost, repeated, reordered, changed or dropped in between.</summary>
    public required FaultCounters Faults { get; init; }
}

/// <summary>
/// Joins two links in both directions, with delay, loss and whatever else a <see cref="FaultProfile"/> says: a long,
/// bad cable. Frames keep their offload state, so super-frames pass whole. Used by one thread: either
/// <see cref="Run"/>, or a caller that drives <see cref="Step"/> in his own time.
/// </summary>
public sealed class Relay
{
    // Small enough that a burst of 64 KiB frames does not hold up what is due.
    private const int Burst = 16;

    private readonly ILink _first;
    private readonly ILink _second;
    private readonly Direction _forward;
    private readonly Direction _backward;

    /// <summary>Joins two links, which stay the caller's to dispose.</summary>
    public Relay(ILink first, ILink second, RelayOptions options)
    {
        var random = new SeededRandom(options.Seed);
        _first = first;
        _second = second;
        _forward = new Direction(new FaultPath(options.Forward, random.Split(), options.QueueBytes), second);
        _backward = new Direction(new FaultPath(options.Backward, random.Split(), options.QueueBytes), first);
    }

    /// <summary>What passed from the first link to the second.</summary>
    public RelayCounters Forward => _forward.Counters;

    /// <summary>What passed from the second link to the first.</summary>
    public RelayCounters Backward => _backward.Counters;

    /// <summary>Relays until cancelled, on the calling thread.</summary>
    public void Run(CancellationToken cancellation)
    {
        using var poll = new PollSet(2);
        poll.Add(_first.WaitDescriptor);
        poll.Add(_second.WaitDescriptor);
        PollSet.TightenTimers();
        using var registration = cancellation.Register(poll.Wake);
        while (!cancellation.IsCancellationRequested)
        {
            var next = Step(MonotonicClock.Now);
            poll.Wait(MonotonicClock.Now, next);
        }
    }

    /// <summary>Takes what waits at both links and sends what is due.</summary>
    /// <returns>When to call again at the latest, even if nothing arrives.</returns>
    public Instant Step(Instant now)
    {
        bool more = _forward.Take(now, _first) | _backward.Take(now, _second);
        _forward.Send(now);
        _backward.Send(now);
        return more ? now : Instant.Min(_forward.NextDue(now), _backward.NextDue(now));
    }

    private sealed class Direction(FaultPath path, ILink to) : IFrameReceiver
    {
        private Instant _now;

        public RelayCounters Counters { get; } = new() { Faults = path.Counters };

        public Instant NextDue(Instant now) => Instant.Min(path.NextDue(now), to.NextDeadline);

        /// <returns>Whether more may wait.</returns>
        public bool Take(Instant now, ILink from)
        {
            _now = now;
            return from.Receive(this, Burst) == Burst;
        }

        public void Send(Instant now) => Counters.Sent += path.SendDue(now, to);

        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
        {
            Counters.Frames++;
            Counters.Bytes += frame.Length;
            Counters.SuperFrames += offload.Gso == GsoType.None ? 0 : 1;
            path.Put(_now, offload, frame, default, default);
        }
    }
}

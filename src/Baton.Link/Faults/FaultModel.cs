using Baton.Wire;

namespace Baton.Link;

/// <summary>What a <see cref="FaultProfile"/> did to the frames of one direction.</summary>
public sealed class FaultCounters
{
    /// <summary>Frames that came in.</summary>
    public long Frames { get; internal set; }

    /// <summary>Frames lost by chance.</summary>
    public long Lost { get; internal set; }

    /// <summary>Frames that arrive twice.</summary>
    public long Duplicated { get; internal set; }

    /// <summary>Frames with a changed bit.</summary>
    public long Corrupted { get; internal set; }

    /// <summary>Frames kept back for later ones to pass.</summary>
    public long Reordered { get; internal set; }

    /// <summary>Frames dropped because a queue or pool was full.</summary>
    public long Overflowed { get; internal set; }
}

/// <summary>The fate of one frame.</summary>
/// <param name="Lost">It does not arrive.</param>
/// <param name="Due">When it arrives.</param>
/// <param name="Duplicated">It arrives a second time, at <paramref name="DuplicateDue"/>.</param>
/// <param name="DuplicateDue">When the second copy arrives.</param>
/// <param name="Corrupted">One bit of it is to be changed.</param>
internal readonly record struct FrameFate(bool Lost, Instant Due, bool Duplicated, Instant DuplicateDue, bool Corrupted);

/// <summary>Applies a <see cref="FaultProfile"/>: one direction of one link.</summary>
internal sealed class FaultModel(SeededRandom random)
{
    // In ticks, with the fractions that a short frame takes on a fast link.
    private double _busyUntil;

    public FaultProfile Profile { get; set; } = FaultProfile.Perfect;

    public FaultCounters Counters { get; } = new();

    /// <summary>Decides the fate of a frame of <paramref name="length"/> bytes that is sent now.</summary>
    public FrameFate Decide(Instant now, int length)
    {
        var profile = Profile;
        Counters.Frames++;
        if (profile.IsPerfect)
        {
            return new(false, now, false, default, false);
        }

        if (random.Chance(profile.Loss))
        {
            Counters.Lost++;
            return new(true, default, false, default, false);
        }

        if (!TryQueue(profile, now, length, out var sent))
        {
            Counters.Overflowed++;
            return new(true, default, false, default, false);
        }

        var due = Arrival(profile, sent);
        if (random.Chance(profile.Reordering))
        {
            Counters.Reordered++;
            due += profile.ReorderDelay;
        }

        bool corrupted = random.Chance(profile.Corruption);
        bool duplicated = random.Chance(profile.Duplication);
        Counters.Corrupted += corrupted ? 1 : 0;
        Counters.Duplicated += duplicated ? 1 : 0;
        return new(false, due, duplicated, duplicated ? Arrival(profile, sent) : default, corrupted);
    }

    /// <summary>
    /// Sets one bit of the IP packet in <paramref name="frame"/> that was 0. Other frames stay whole: ARP has no checksum,
    /// and what a link's own check misses is not what is tested here. Nor is what the Internet checksum misses: were bits
    /// cleared as well, a packet that is changed on two links could have a right sum (RFC 1071 §1). A checksum still to be
    /// computed would be right again after the change, so it is completed first.
    /// </summary>
    /// <returns>False for a super-frame: cutting it would make new checksums, so it is lost, as its receiver would have it.</returns>
    public bool TryCorrupt(Span<byte> frame, ref FrameOffload offload)
    {
        if (offload.Gso != GsoType.None)
        {
            return false;
        }

        if (offload.Checksum == ChecksumState.Partial)
        {
            FrameLayout.CompleteChecksum(frame);
        }

        offload = FrameOffload.None;
        var packet = FrameLayout.IpPacketOf(frame);
        if (packet.Length > 0)
        {
            SetBit(packet, random.Next(packet.Length * 8L));
        }

        return true;
    }

    /// <summary>Sets the first bit that is 0 from <paramref name="from"/> on.</summary>
    private static void SetBit(Span<byte> packet, long from)
    {
        long bits = packet.Length * 8L;
        for (long i = 0; i < bits; i++)
        {
            long bit = (from + i) % bits;
            ref byte at = ref packet[(int)(bit / 8)];
            byte mask = (byte)(1 << (int)(bit % 8));
            if ((at & mask) == 0)
            {
                at |= mask;
                return;
            }
        }
    }

    private Instant Arrival(FaultProfile profile, Instant sent) => sent + profile.Delay + new TimeSpan(random.Next(profile.Jitter.Ticks));

    private bool TryQueue(FaultProfile profile, Instant now, int length, out Instant sent)
    {
        sent = now;
        if (profile.Bandwidth <= 0)
        {
            return true;
        }

        double ticksPerByte = 8.0 * TimeSpan.TicksPerSecond / profile.Bandwidth;
        double start = Math.Max(_busyUntil, now.Ticks);
        if (start - now.Ticks > profile.QueueBytes * ticksPerByte)
        {
            return false;
        }

        _busyUntil = start + length * ticksPerByte;
        sent = new((long)_busyUntil);
        return true;
    }
}

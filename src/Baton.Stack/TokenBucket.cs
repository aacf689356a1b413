using Baton.Wire;

namespace Baton.Stack;

/// <summary>Bounds how often something is done: <c>perSecond</c> on average, <c>burst</c> at once.</summary>
internal struct TokenBucket(int perSecond, int burst)
{
    private readonly long _interval = TimeSpan.TicksPerSecond / Math.Max(1, perSecond);
    private long _fullAt;

    /// <summary>Takes one token, or says that there is none.</summary>
    public bool TryTake(Instant now)
    {
        // The bucket is kept as the moment at which it will be full again: each token taken puts that off by one interval.
        long fullAt = Math.Max(_fullAt, now.Ticks);
        if (fullAt - now.Ticks > _interval * (burst - 1))
        {
            return false;
        }

        _fullAt = fullAt + _interval;
        return true;
    }
}

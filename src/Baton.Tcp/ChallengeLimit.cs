using Baton.Wire;

namespace Baton.Tcp;

/// <summary>Bounds the ACKs sent for segments that may be forged (RFC 5961 §7): ten in five seconds, per connection.</summary>
internal struct ChallengeLimit
{
    /// <summary>Answers in a period.</summary>
    public const int PerPeriod = 10;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    [NotInSnapshot("a limit on this owner's answers")]
    private Instant _periodEnd;

    [NotInSnapshot("a limit on this owner's answers")]
    private int _count;

    /// <summary>Whether one more may be sent; counts it.</summary>
    public bool TryTake(Instant now)
    {
        if (now >= _periodEnd)
        {
            (_periodEnd, _count) = (now + Period, 0);
        }

        return _count++ < PerPeriod;
    }
}

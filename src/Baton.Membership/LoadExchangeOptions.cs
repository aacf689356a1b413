namespace Baton.Membership;

/// <summary>The rhythm of the load exchange; the same at every member.</summary>
public sealed record LoadExchangeOptions
{
    /// <summary>Time between two datagrams to each member: a few times a second.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>After how many silent intervals a member is unreachable: more than loss alone makes likely.</summary>
    public int SilentIntervals { get; init; } = 5;

    /// <summary>How long a member may be silent.</summary>
    public TimeSpan Patience => Interval * SilentIntervals;

    /// <summary>A lease in intervals: long enough that neither loss nor a pause of the node ends one.</summary>
    public int LeaseIntervals { get; init; } = 12;

    /// <summary>How long a node may rely on a peer that it does not hear.</summary>
    public TimeSpan Lease => Interval * LeaseIntervals;

    /// <summary>How much longer the peer waits: for clocks of different rate and for time in queues.</summary>
    public TimeSpan LeaseMargin => Interval * 2;

    /// <summary>Every option that makes no sense, as a message that says what to write instead.</summary>
    public IEnumerable<string> Errors()
    {
        if (Interval < TimeSpan.FromMilliseconds(10) || Interval > TimeSpan.FromSeconds(10))
        {
            yield return $"membership: the interval is {Interval.TotalMilliseconds:0} ms; write 10 ms to 10 s.";
        }

        if (LeaseIntervals is < 4 or > 100)
        {
            yield return $"membership: leaseIntervals is {LeaseIntervals}; write 4 to 100.";
        }

        if (SilentIntervals is < 2 or > 100)
        {
            yield return $"membership: silentIntervals is {SilentIntervals}; write 2 to 100.";
        }
    }
}

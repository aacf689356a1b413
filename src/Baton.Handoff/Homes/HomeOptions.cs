namespace Baton.Handoff;

/// <summary>The times of the home role; the same at every member.</summary>
public sealed record HomeOptions
{
    /// <summary>How long an owner may emit without hearing its home: counted by the owner from when it sent what the home has heard.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>By how much a home waits longer than the lease, counted from hearing: for clocks of different rate, and for time in queues.</summary>
    public TimeSpan LeaseMargin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a member may be unreachable before the home writes its flows off; more than lease and margin.</summary>
    public TimeSpan WriteOff { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>How long a former home forwards packets of known flows that still come to it.</summary>
    public TimeSpan Former { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often an owner tells its home all its endpoints, so that both have the same list.</summary>
    public TimeSpan Reconcile { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a takeover waits for the other members' answers; less than the lease.</summary>
    public TimeSpan VoteTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a new home waits for members that do not announce: nobody emits any more on a lease of the last home then.</summary>
    internal TimeSpan Recovery => Lease + LeaseMargin;
}

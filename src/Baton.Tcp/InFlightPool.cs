namespace Baton.Tcp;

/// <summary>
/// What connections know of what they have in flight, kept for the next that sends: of many connections few have something
/// in flight at a time. Shared by connections that one thread drives.
/// </summary>
public sealed class InFlightPool
{
    /// <summary>Most that are kept: those of the connections that are in turn.</summary>
    private const int Most = 256;

    private readonly Stack<LossRecovery> _free = new(Most);

    /// <summary>One that knows nothing; null when none is kept.</summary>
    internal LossRecovery? Take() => _free.TryPop(out var free) ? free : null;

    /// <summary>One that nobody needs any more; above the bound it is forgotten.</summary>
    internal void Keep(LossRecovery recovery)
    {
        if (_free.Count < Most)
        {
            _free.Push(recovery);
        }
    }
}

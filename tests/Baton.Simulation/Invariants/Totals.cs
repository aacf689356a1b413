using System.Globalization;

namespace Baton.Simulation;

/// <summary>What happened in a run, or in all runs together: a simulation that never met a case has not tested it.</summary>
internal sealed class Totals
{
    private readonly long[] _counts = new long[Enum.GetValues<Total>().Length];

    public long this[Total total] => _counts[(int)total];

    public void Count(Total total, long number = 1) => _counts[(int)total] += number;

    public void Add(Totals other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>Those that are zero.</summary>
    public IEnumerable<Total> Missing => Enum.GetValues<Total>().Where(total => this[total] == 0);

    /// <summary>A line for each.</summary>
    public IEnumerable<string> Lines =>
        Enum.GetValues<Total>().Select(total => string.Create(CultureInfo.InvariantCulture, $"{Name(total),-34} {this[total],14:N0}"));

    /// <summary>A total's name as people read it.</summary>
    public static string Name(Total total) => string.Concat(total.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}

/// <summary>What is counted.</summary>
internal enum Total
{
    /// <summary>TCP flows.</summary>
    Streams,

    /// <summary>UDP flows.</summary>
    DatagramFlows,

    /// <summary>Moves asked for.</summary>
    HandoffsAttempted,

    /// <summary>Handoffs after which the endpoint lived at the target.</summary>
    HandoffsCompleted,

    /// <summary>Handoffs rolled back.</summary>
    HandoffsAborted,

    /// <summary>Of these, after the freeze budget was spent.</summary>
    AbortedByBudget,

    /// <summary>Of these, by a broken channel or an unreachable member.</summary>
    AbortedByChannel,

    /// <summary>Handoffs that the target refused.</summary>
    HandoffsRejected,

    /// <summary>Moves asked for while the same endpoint was being moved.</summary>
    ConcurrentAtOneEndpoint,

    /// <summary>Handoffs that ran while another endpoint's ran.</summary>
    ConcurrentAtSeveralEndpoints,

    /// <summary>Completed handoffs whose source is the flow's home.</summary>
    SourceIsHome,

    /// <summary>Completed handoffs whose target is the flow's home.</summary>
    TargetIsHome,

    /// <summary>Completed handoffs between two nodes that are not the flow's home.</summary>
    HomeIsThirdNode,

    /// <summary>Packets held by frozen copies and embryos.</summary>
    PacketsHeld,

    /// <summary>Segments sent again on flows that had not moved yet.</summary>
    RetransmittedBefore,

    /// <summary>Segments sent again while the endpoint was frozen.</summary>
    RetransmittedDuring,

    /// <summary>Segments sent again on flows that had moved.</summary>
    RetransmittedAfter,

    /// <summary>Endpoints frozen while the client's window was closed.</summary>
    ZeroWindowAtFreeze,

    /// <summary>Endpoints frozen with one direction closed.</summary>
    HalfClosedAtFreeze,

    /// <summary>Endpoints frozen after their application had closed them.</summary>
    ClosingAtFreeze,

    /// <summary>Endpoints frozen with data ahead of a gap.</summary>
    OutOfOrderAtFreeze,

    /// <summary>Endpoints frozen with bytes that the client had not acknowledged.</summary>
    UnacknowledgedAtFreeze,
}

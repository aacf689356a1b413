using System.Globalization;
using Baton.Handoff;
using Baton.Handoff.Messages;

namespace Baton.Simulation;

/// <summary>What happened in a run, or in all runs together: a simulation that never met a case has not tested it.</summary>
internal sealed class Totals
{
    private const int MostValues = 32;
    private const int SeedsThatMeetTheCommon = 100;
    private const int SeedsThatMeetAll = 10_000;

    // What no farm meets whose nodes are of one build, route alike and are told of each other's restarts by their channels:
    // RejectAndAbortTests reach them.
    private static readonly HandoffReason[] s_elsewhere =
        [HandoffReason.None, HandoffReason.StateMalformed, HandoffReason.NoRoute, HandoffReason.UnknownHandoff];

    private static readonly (Met Kind, byte Value, string Name)[] s_cases =
    [
        .. Cases<MessageKind>(Met.HandoffMessage),
        .. Cases<HomeMessageKind>(Met.HomeMessage),
        .. Cases<SourcePhase>(Met.SourcePhase),
        .. Cases<TargetPhase>(Met.TargetPhase),
        .. Cases<HomePhase>(Met.HomePhase),
        .. Cases<HandoffReason>(Met.Reason).Where(reason => !s_elsewhere.Contains((HandoffReason)reason.Value)),
    ];

    private readonly long[] _counts = new long[Enum.GetValues<Total>().Length];
    private readonly long[] _met = new long[Enum.GetValues<Met>().Length * MostValues];

    public long this[Total total] => _counts[(int)total];

    public void Count(Total total, long number = 1) => _counts[(int)total] += number;

    /// <summary>A message was sent, a state entered, a reason given.</summary>
    public void Meet(Met kind, byte value) => _met[(int)kind * MostValues + value]++;

    public void Add(Totals other)
    {
        for (int i = 0; i < _met.Length; i++)
        {
            _met[i] += other._met[i];
        }

        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>The names of those that are zero though so many seeds meet them: the common ones from 100 on, all from 10,000 on.</summary>
    public IEnumerable<string> Missing(int seeds) => seeds < SeedsThatMeetTheCommon ? [] :
    [
        .. Enum.GetValues<Total>().Where(total => this[total] == 0 && (total < Total.Crashes || seeds >= SeedsThatMeetAll)).Select(Name),
        .. s_cases.Where(c => Count(c.Kind, c.Value) == 0 && seeds >= SeedsThatMeetAll).Select(c => c.Name),
    ];

    /// <summary>The main ones in a line.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{this[Total.HandoffsAttempted]} handoffs attempted, {this[Total.HandoffsCompleted]} completed, {this[Total.HandoffsAborted]} aborted, {this[Total.HandoffsRejected]} rejected; {this[Total.Crashes]} crashes, {this[Total.Takeovers]} takeovers, {this[Total.Survived]} survived, {this[Total.LostAndReset]} reset");

    /// <summary>A line for each.</summary>
    public IEnumerable<string> Lines =>
    [
        .. Enum.GetValues<Total>().Select(total => Line(Name(total), this[total])),
        .. s_cases.Select(c => Line(c.Name, Count(c.Kind, c.Value))),
    ];

    /// <summary>A total's name as people read it.</summary>
    private static string Name(Total total) => Spaced(total.ToString());

    private static string Spaced(string name) => string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    private static string Line(string name, long count) => string.Create(CultureInfo.InvariantCulture, $"{name,-34} {count,14:N0}");

    private static IEnumerable<(Met Kind, byte Value, string Name)> Cases<T>(Met kind)
        where T : struct, Enum =>
        Enum.GetValues<T>().Select(value => (kind, Convert.ToByte(value, CultureInfo.InvariantCulture), $"{Spaced(kind.ToString())}: {Spaced(value.ToString())}"));

    private long Count(Met kind, byte value) => _met[(int)kind * MostValues + value];
}

/// <summary>What is counted by the protocol's own names.</summary>
internal enum Met
{
    /// <summary>Messages of the handoff protocol sent, by kind.</summary>
    HandoffMessage,

    /// <summary>Messages of the home role sent, by kind.</summary>
    HomeMessage,

    /// <summary>Phases that sources entered.</summary>
    SourcePhase,

    /// <summary>Phases that targets entered.</summary>
    TargetPhase,

    /// <summary>Phases that nodes were in for a service address.</summary>
    HomePhase,

    /// <summary>Reasons of handoffs that were not committed.</summary>
    Reason,
}

/// <summary>What is counted.</summary>
internal enum Total
{
    /// <summary>TCP flows.</summary>
    Streams,

    /// <summary>UDP flows.</summary>
    DatagramFlows,

    /// <summary>Farms whose channels and load datagrams are sealed.</summary>
    SealedFarms,

    /// <summary>Farms whose clients use IPv6 over an IPv4 lan.</summary>
    ClientsV6OverLanV4,

    /// <summary>Farms whose clients use IPv4 over an IPv6 lan.</summary>
    ClientsV4OverLanV6,

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

    /// <summary>Nodes killed.</summary>
    Crashes,

    /// <summary>Nodes started anew with no memory.</summary>
    Restarts,

    /// <summary>Of the flows that a killed node had a part in, those that were in a handoff.</summary>
    InHandoffAtCrash,

    /// <summary>Pairs of nodes that did not hear each other for a time.</summary>
    Cuts,

    /// <summary>Nodes that did not hear another one for a time, which heard them.</summary>
    OneWayCuts,

    /// <summary>Nodes cut off from all others for a time.</summary>
    Isolations,

    /// <summary>Dead homes whose addresses another node has taken.</summary>
    Takeovers,

    /// <summary>Drains that ended with no endpoint and no address left.</summary>
    Drains,

    /// <summary>Nodes that exited after a drain.</summary>
    ExitsAfterDrain,

    /// <summary>Endpoints that were silent for want of their home's lease.</summary>
    Suspended,

    /// <summary>Flows that homes gave up with their owner.</summary>
    WrittenOff,

    /// <summary>Endpoints that ended silently, since their home did not know them any more.</summary>
    Gone,

    /// <summary>Connections that a killed node had a part in, and that went on exactly.</summary>
    Survived,

    /// <summary>Connections lost with a node: reset once.</summary>
    LostAndReset,

    /// <summary>Connections lost with a node whose client had nothing more to say, and so was told nothing.</summary>
    LostInSilence,

    /// <summary>UDP flows that began anew after their node was lost.</summary>
    DatagramFlowsBegunAnew,
}

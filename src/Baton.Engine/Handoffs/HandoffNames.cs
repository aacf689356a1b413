using Baton.Handoff;
using Baton.Stack;

namespace Baton.Engine;

/// <summary>The protocol's outcomes and reasons in the words of the public API.</summary>
internal static class HandoffNames
{
    public static MoveOutcome OutcomeOf(HandoffOutcome outcome) => outcome switch
    {
        HandoffOutcome.Committed => MoveOutcome.Moved,
        HandoffOutcome.Rejected => MoveOutcome.Rejected,
        HandoffOutcome.Gone => MoveOutcome.Closed,
        _ => MoveOutcome.Aborted,
    };

    public static MoveOutcome OutcomeOf(BeginResult result) => result switch
    {
        BeginResult.TargetUnreachable or BeginResult.HomeUnreachable => MoveOutcome.Unreachable,
        _ => MoveOutcome.NotMovable,
    };

    public static string Describe(BeginResult result) => result switch
    {
        BeginResult.AlreadyMoving => "it is in a handoff already",
        BeginResult.TargetIsSelf => "it is at that node",
        BeginResult.TargetUnreachable => "there is no channel to the target",
        BeginResult.HomeUnreachable => "there is no channel to the flow's home",
        BeginResult.TooMany => "too many handoffs are under way",
        _ => "the request is not valid",
    };

    public static string Describe(HandoffReason reason) => reason switch
    {
        HandoffReason.None => "",
        HandoffReason.Draining => "the target is drained",
        HandoffReason.NoCapacity => "a limit of the target is reached",
        HandoffReason.UnknownApplication => "the target has no such application",
        HandoffReason.FlowInUse => "the target has an endpoint or a handoff for this flow",
        HandoffReason.StateTooLarge => "the image is larger than the target takes",
        HandoffReason.StateMalformed => "the target could not read the image",
        HandoffReason.NoRoute => "the target has no way to the client",
        HandoffReason.FreezeBudget => "it was frozen for longer than its budget",
        HandoffReason.PrepareTimeout => "the target did not answer in time",
        HandoffReason.Cancelled => "its application called it off",
        HandoffReason.EndpointClosed => "the connection has ended",
        var other => System.Text.RegularExpressions.Regex.Replace(other.ToString(), "(?<=[a-z])(?=[A-Z])", " ").ToLowerInvariant(),
    };

    public static HandoffReason ReasonOf(InstallResult result) => result switch
    {
        InstallResult.NoRoute => HandoffReason.NoRoute,
        _ => HandoffReason.StateMalformed,
    };
}

using Baton.Engine;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>Each handoff has one outcome, the same at its source and its target.</summary>
internal sealed class HandoffWatch
{
    private readonly SimulationRun _run;
    private readonly Dictionary<HandoffId, Sides> _ended = [];

    public HandoffWatch(SimulationRun run, Farm farm)
    {
        _run = run;
        foreach (var node in farm.Nodes)
        {
            node.Shard.HandoffEnded = handoff => OnEnded(node, handoff);
        }
    }

    /// <summary>At the end: nobody is left who believes something else.</summary>
    public void CheckComplete()
    {
        foreach (var (id, sides) in _ended)
        {
            if (sides.Source is null || (sides.Target is null && sides.Source.Outcome == MoveOutcome.Moved))
            {
                _run.Fail($"Handoff {id} of {(sides.Source ?? sides.Target)!.Flow} ended at one side only: {sides.Source ?? sides.Target}.");
            }
        }
    }

    private void OnEnded(FarmNode node, HandoffEvent handoff)
    {
        _run.Trace?.WriteLine($"{_run.Now} {node.Name} {handoff}");
        var sides = _ended.GetValueOrDefault(handoff.Handoff);
        bool isSource = handoff.Role == HandoffRole.Source;
        if ((isSource ? sides.Source : sides.Target) is { } before)
        {
            _run.Fail($"Handoff {handoff.Handoff} ended twice at node {node.Name}: {before.Outcome} and {handoff.Outcome}.");
        }

        if ((isSource ? sides.Target : sides.Source) is { } other
            && (other.Outcome == MoveOutcome.Moved) != (handoff.Outcome == MoveOutcome.Moved))
        {
            _run.Fail($"Handoff {handoff.Handoff} of {handoff.Flow} is {other.Outcome} ({other.Reason}) at the {other.Role} and {handoff.Outcome} ({handoff.Reason}) at the {handoff.Role}.");
        }

        _ended[handoff.Handoff] = isSource ? sides with { Source = handoff } : sides with { Target = handoff };
        if (isSource)
        {
            Count(handoff);
        }
    }

    private void Count(HandoffEvent handoff)
    {
        var totals = _run.Totals;
        var flow = _run.FlowOf(handoff.Flow);
        switch (handoff.Outcome)
        {
            case MoveOutcome.Moved:
                totals.Count(Total.HandoffsCompleted);
                if (flow is not null)
                {
                    flow.Watch.Moves++;
                    totals.Count(handoff.From == flow.Home.Id ? Total.SourceIsHome
                        : handoff.To == flow.Home.Id ? Total.TargetIsHome
                        : Total.HomeIsThirdNode);
                }

                break;
            case MoveOutcome.Rejected:
                totals.Count(Total.HandoffsRejected);
                break;
            case MoveOutcome.Aborted:
                totals.Count(Total.HandoffsAborted);
                totals.Count(Total.AbortedByBudget, handoff.Reason.Contains("budget", StringComparison.Ordinal) ? 1 : 0);
                totals.Count(
                    Total.AbortedByChannel,
                    handoff.Reason.Contains("unreachable", StringComparison.Ordinal) || handoff.Reason.Contains("in time", StringComparison.Ordinal) ? 1 : 0);
                break;
        }
    }

    private readonly record struct Sides(HandoffEvent? Source, HandoffEvent? Target);
}

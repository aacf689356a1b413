using Baton.Engine;
using Baton.Handoff;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>Each handoff has one outcome, the same at its source and its target.</summary>
internal sealed class HandoffWatch
{
    private readonly SimulationRun _run;
    private readonly Dictionary<HandoffId, Sides> _ended = [];
    private readonly HashSet<NodeId> _killed = [];

    public HandoffWatch(SimulationRun run, Farm farm)
    {
        _run = run;
        foreach (var node in farm.Nodes)
        {
            Watch(node);
        }
    }

    /// <summary>Watches the present shards of a node.</summary>
    public void Watch(FarmNode node)
    {
        foreach (var shard in node.Shard.Shards)
        {
            shard.HandoffEnded = handoff => OnEnded(node, handoff);
            shard.Handoffs.Observer = output => OnStep(node, output);
        }
    }

    /// <summary>A node was killed: its side of what runs has no end.</summary>
    public void OnCrash(FarmNode node) => _killed.Add(node.Id);

    /// <summary>At the end: nobody is left who believes something else.</summary>
    public void CheckComplete()
    {
        foreach (var (id, sides) in _ended)
        {
            var one = (sides.Source ?? sides.Target)!;
            if (_killed.Contains(one.From) || _killed.Contains(one.To))
            {
                continue;
            }

            if (sides.Source is null || (sides.Target is null && sides.Source.Outcome == MoveOutcome.Moved))
            {
                _run.Fail($"Handoff {id} of {(sides.Source ?? sides.Target)!.Flow} ended at one side only: {sides.Source ?? sides.Target}.");
            }
        }
    }

    /// <summary>Notes what the protocol does at a node.</summary>
    private void OnStep(FarmNode node, HandoffOutput output)
    {
        _run.Trace?.WriteLine($"{_run.Now} {node.Name} {output.Flow}: {Text(output)}");
        _run.Stepping?.Invoke(node, output);
        var totals = _run.Totals;
        switch (output)
        {
            case HandoffOutput.Send send:
                var kind = (MessageKind)send.Message.Span[1];
                totals.Meet(Met.HandoffMessage, (byte)kind);
                if (kind is MessageKind.Prepare or MessageKind.State)
                {
                    totals.Meet(Met.SourcePhase, (byte)(kind == MessageKind.Prepare ? SourcePhase.Preparing : SourcePhase.AwaitingDecision));
                }
                else if (kind == MessageKind.Done && _run.ServingNode(output.Flow.Tuple.LocalAddress) == node)
                {
                    totals.Meet(Met.TargetPhase, (byte)TargetPhase.Committed);
                }
                else if (kind == MessageKind.Prepared)
                {
                    totals.Meet(Met.TargetPhase, (byte)TargetPhase.AwaitingState);
                }

                break;
            case HandoffOutput.Thaw when _run.FlowOf(output.Flow) is { } flow:
                flow.Watch.Thaws++;
                break;
            case HandoffOutput.Precopy:
                totals.Meet(Met.SourcePhase, (byte)SourcePhase.Precopying);
                break;
            case HandoffOutput.Freeze:
                totals.Meet(Met.SourcePhase, (byte)SourcePhase.Freezing);
                break;
            case HandoffOutput.CreateEmbryo:
                totals.Meet(Met.TargetPhase, (byte)TargetPhase.Creating);
                break;
            case HandoffOutput.Install:
                totals.Meet(Met.TargetPhase, (byte)TargetPhase.Installing);
                break;
            case HandoffOutput.AskSwap { Question.IsAbort: true }:
                totals.Meet(Met.SourcePhase, (byte)SourcePhase.AskedAbort);
                break;
            case HandoffOutput.AskSwap:
                totals.Meet(Met.TargetPhase, (byte)TargetPhase.Ready);
                break;
            case HandoffOutput.Completed completed:
                totals.Meet(Met.Reason, (byte)completed.Reason);
                break;
        }
    }

    private void OnEnded(FarmNode node, HandoffEvent handoff)
    {
        _run.Trace?.WriteLine($"{_run.Now} {node.Name} {handoff}");
        var sides = _ended.GetValueOrDefault(handoff.Handoff);
        bool isSource = handoff.Role == Engine.HandoffRole.Source;
        if ((isSource ? sides.Source : sides.Target) is { } before)
        {
            _run.Fail($"Handoff {handoff.Handoff} ended twice at node {node.Name}: {before.Outcome} and {handoff.Outcome}.");
        }

        if ((isSource ? sides.Target : sides.Source) is { } other
            && (other.Outcome == MoveOutcome.Moved) != (handoff.Outcome == MoveOutcome.Moved)
            && _run.FlowOf(handoff.Flow) is not { MayBeLost: true }
            && !IsForgotten(handoff, isSource, sides.Crashes))
        {
            _run.Fail($"Handoff {handoff.Handoff} of {handoff.Flow} is {other.Outcome} ({other.Reason}) at the {other.Role} and {handoff.Outcome} ({handoff.Reason}) at the {handoff.Role}.");
        }

        _ended[handoff.Handoff] = isSource ? sides with { Source = handoff, Crashes = _run.Crashes } : sides with { Target = handoff, Crashes = _run.Crashes };
        if (isSource)
        {
            Count(handoff);
        }
    }

    /// <summary>
    /// Whether a source that was cut off ends without an answer: its home has been started anew since the target had one, or the
    /// connection has ended at the target meanwhile and its home knows of none. The source has not gone on, and says so.
    /// </summary>
    private bool IsForgotten(HandoffEvent handoff, bool isSource, int crashesThen) =>
        isSource && handoff.Outcome == MoveOutcome.Closed && (_run.Crashes > crashesThen || HasEnded(handoff.Flow));

    private bool HasEnded(Flow flow) =>
        _run.ServingNode(flow.Tuple.LocalAddress) is not null && !_run.TryFindEntry(flow, out _) && !_run.IsAnywhere(in flow);

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

    private static string Text(HandoffOutput output) => output switch
    {
        HandoffOutput.Send send => $"{(MessageKind)send.Message.Span[1]} to {send.Peer}",
        HandoffOutput.AskSwap ask => $"AskSwap of {ask.Asker}: {ask.Question.ExpectedOwner} in epoch {ask.Question.ExpectedEpoch} to {ask.Question.NewOwner} in epoch {ask.Question.NewEpoch}",
        HandoffOutput.Completed completed => $"Completed {completed.Role} {completed.Outcome} {completed.Reason}",
        _ => output.GetType().Name,
    };

    private readonly record struct Sides(HandoffEvent? Source, HandoffEvent? Target, int Crashes);
}

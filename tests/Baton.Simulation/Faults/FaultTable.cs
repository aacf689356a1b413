using System.Text;

namespace Baton.Simulation;

/// <summary>
/// What becomes of a connection when one thing goes wrong before one step of its handoff, for each step, thing, and place of
/// the home: made by running all of them.
/// </summary>
internal sealed class FaultTable
{
    private static readonly (Fault Fault, string Name)[] s_columns =
    [
        (Fault.Lost, "lost"),
        (Fault.Twice, "twice"),
        (Fault.SourceBack, "S back"),
        (Fault.SourceOff, "S off"),
        (Fault.TargetBack, "T back"),
        (Fault.TargetOff, "T off"),
        (Fault.HomeBack, "H back"),
        (Fault.HomeOff, "H off"),
        (Fault.SourceTargetCut, "S-T cut"),
        (Fault.SourceHomeCut, "S-H cut"),
        (Fault.TargetHomeCut, "T-H cut"),
    ];

    private static readonly (HomePlace Home, bool Fresh, string Name)[] s_parts =
    [
        (HomePlace.Source, false, "S is the home"),
        (HomePlace.Target, false, "T is the home"),
        (HomePlace.Third, false, "H is a third node"),
        (HomePlace.Source, true, "S is the home; channels are being made"),
        (HomePlace.Target, true, "T is the home; channels are being made"),
        (HomePlace.Third, true, "H is a third node; channels are being made"),
    ];

    private readonly Dictionary<(HomePlace, bool Fresh, string Step, Fault), SortedSet<string>> _cells = [];
    private readonly Dictionary<(HomePlace, bool Fresh), List<string>> _rows = [];

    /// <summary>Every kind of flow.</summary>
    public static IReadOnlyList<FlowKind> AllKinds { get; } = [FlowKind.StreamAhead, FlowKind.Stream, FlowKind.Datagrams];

    /// <summary>The kind that has every step.</summary>
    public static IReadOnlyList<FlowKind> QuickKinds { get; } = [FlowKind.StreamAhead];

    /// <summary>Runs made.</summary>
    public int Runs { get; private set; }

    /// <summary>What did not hold, and in which run.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Runs every single fault of these kinds of flows, on so many threads.</summary>
    public static FaultTable Make(IReadOnlyList<FlowKind> kinds, int threads)
    {
        var table = new FaultTable();
        var faults = new List<(SingleFault Fault, string Step)>();
        foreach (var home in Enum.GetValues<HomePlace>())
        {
            foreach (var channels in Enum.GetValues<ChannelState>())
            {
                foreach (var kind in kinds)
                {
                    var (steps, _) = SingleFaultRun.Run(new(home, kind, channels, Fault.None, 0));
                    table.AddRows(home, channels == ChannelState.Fresh, steps);
                    for (int step = 1; step <= steps.Count + 1; step++)
                    {
                        string name = step <= steps.Count ? steps[step - 1] : After;
                        faults.AddRange(s_columns.Where(c => SingleFaultRun.Applies(home, c.Fault, name)).Select(c => (new SingleFault(home, kind, channels, c.Fault, step), name)));
                    }
                }
            }
        }

        var outcomes = faults.AsParallel().AsOrdered().WithDegreeOfParallelism(threads)
            .Select(f => (f.Fault, f.Step, OutcomeOf(f.Fault))).ToList();
        table.Runs = outcomes.Count;
        foreach (var (fault, step, (outcome, failure)) in outcomes)
        {
            table.Cell(fault.Home, fault.Channels == ChannelState.Fresh, step, fault.Fault).Add(outcome);
            if (failure is not null)
            {
                table.Failures.Add($"before '{step}': {failure}");
            }
        }

        return table;
    }

    /// <summary>As it stands in the document.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (home, fresh, name) in s_parts)
        {
            var columns = s_columns.Where(c => _cells.Keys.Any(k => k.Item1 == home && k.Fresh == fresh && k.Item4 == c.Fault)).ToList();
            text.Append($"### {name}\n\n| before | {string.Join(" | ", columns.Select(c => c.Name))} |\n|---|{string.Concat(columns.Select(_ => "---|"))}\n");
            foreach (string row in _rows[(home, fresh)])
            {
                var cells = columns.Select(c => _cells.TryGetValue((home, fresh, row, c.Fault), out var outcomes) ? string.Join(" or ", outcomes) : "");
                text.Append($"| {row} | {string.Join(" | ", cells)} |\n");
            }

            text.Append('\n');
        }

        return text.ToString()[..^1];
    }

    private static (string Outcome, string? Failure) OutcomeOf(SingleFault fault)
    {
        try
        {
            return (SingleFaultRun.Run(fault).Outcome, null);
        }
        catch (InvariantException e)
        {
            return ("failed", e.Message);
        }
    }

    private const string After = "*after all*";

    /// <summary>Steps of one kind of flow among those of the others, in their order.</summary>
    private void AddRows(HomePlace home, bool fresh, IReadOnlyList<string> steps)
    {
        if (!_rows.TryGetValue((home, fresh), out var rows))
        {
            _rows[(home, fresh)] = rows = [After];
        }

        int at = 0;
        foreach (string step in steps)
        {
            int known = rows.IndexOf(step);
            if (known < 0)
            {
                rows.Insert(at++, step);
            }
            else
            {
                at = known + 1;
            }
        }
    }

    private SortedSet<string> Cell(HomePlace home, bool fresh, string step, Fault fault)
    {
        if (!_cells.TryGetValue((home, fresh, step, fault), out var outcomes))
        {
            _cells[(home, fresh, step, fault)] = outcomes = new(StringComparer.Ordinal);
        }

        return outcomes;
    }
}

using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Machine;

namespace Baton.Bench.Moves;

/// <summary>Moves of one connection, as both nodes saw them; all in microseconds.</summary>
/// <param name="Whole">From asking until the source knows that it is done.</param>
/// <param name="Freeze">From the source's last act to the target's first.</param>
/// <param name="Cpu">Writing the image and making a connection of it.</param>
/// <param name="Steering">What changing the way of the client's packets took of it; empty where that is no step of its own.</param>
/// <param name="Gap">The longest time between two answers around each move; empty where no client asks.</param>
/// <param name="Failed">Moves that did not succeed.</param>
/// <param name="Steps">Of the freeze: until the target has the state, until it has made a connection of it, until the home has decided, until the target serves.</param>
/// <param name="Why">Why moves failed, and how often.</param>
/// <param name="Collected">Garbage collections in both nodes' processes, and for how long they stopped them.</param>
/// <param name="PerSecond">Moves a second, from the first's beginning to the last's.</param>
internal sealed record Moved(double[] Whole, double[] Freeze, double[] Cpu, double[] Steering, double[] Gap, int Failed, double[][] Steps, string Why, string Collected, double PerSecond);

/// <summary>One side of the comparison: two nodes in processes of their own, and a client.</summary>
internal abstract class Side : IDisposable
{
    /// <summary>Drains to and fro; those from the first node count, but for the first.</summary>
    protected const int DrainRounds = 6;

    // What a move costs the kernel's client is over then.
    private static readonly TimeSpan s_afterMoves = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_lead = TimeSpan.FromMilliseconds(100);

    /// <summary>The nodes; connections are accepted by the first.</summary>
    protected NodeHandle[] Nodes { get; init; } = [];

    /// <summary>Opens a connection; the first node has it when this returns.</summary>
    public abstract KernelSocket Connect(int receiveBuffer = 0);

    /// <summary>Waits until nothing is left of connections that the client has reset.</summary>
    public abstract void Forget();

    /// <summary>Lets the nodes give everything away in turn: connections per second.</summary>
    public abstract double Drain(int connections);

    /// <summary>Sets what the nodes' applications do.</summary>
    public void SetMode(MoverMode mode, int fill = 0)
    {
        foreach (var node in Nodes)
        {
            node.Ask<bool>(string.Create(CultureInfo.InvariantCulture, $"mode {mode} {fill}"));
        }
    }

    /// <summary>Moves a connection to and fro with so many bytes queued in each direction.</summary>
    public Moved MoveFilled(int queued, int warmUp, int count, TimeSpan period)
    {
        SetMode(MoverMode.Fill, queued);
        var client = Connect(receiveBuffer: 1);
        client.SendAll(new byte[queued]);
        Wait.Until(() => Nodes[0].Ask<int>("readable") == queued, "the queues are not full");
        Move(warmUp, period);
        var moved = Move(count, period);
        client.Reset();
        Forget();
        return moved;
    }

    /// <summary>
    /// Moves the connection of a client that asks all the time, with so many bytes queued in each direction; its longest gaps
    /// without moves come second.
    /// </summary>
    public (Moved Moved, double[] AtRest) MoveAsked(int queued, int warmUp, int count, TimeSpan period, TimeSpan rest)
    {
        SetMode(MoverMode.Echo, queued);
        var socket = Connect(receiveBuffer: queued > 0 ? 1 : 0);
        socket.SendAll(new byte[queued]);
        Wait.Until(() => Nodes[0].Ask<int>("readable") == queued, "the queues are not full");
        var client = new AskingClient(socket);
        Move(warmUp, period);
        Thread.Sleep(s_afterMoves);
        long from = Stopwatch.GetTimestamp();
        Thread.Sleep(rest);
        long to = Stopwatch.GetTimestamp();
        var (source, target, moved) = MoveRaw(count, period);
        var answered = client.Stop();
        socket.Reset();
        Forget();
        double[] gaps =
        [
            .. new[] { (Source: source, Target: target), (Source: target, Target: source) }
                .SelectMany(s => s.Source.Asked.Where(asked => s.Target.Active.ContainsKey(asked.Key))
                    .Select(asked => Micros(AskingClient.Longest(answered, asked.Value, s.Target.Active[asked.Key])))),
        ];

        // As many times at rest, each as long as a move: what is quoted beside the moves is as likely to be long.
        long step = (to - from) / Math.Max(1, count), length = (long)(Statistics.Median(moved.Whole) * 1e3);
        double[] atRest = [.. Enumerable.Range(0, count).Select(i => Micros(AskingClient.Longest(answered, from + (i * step), from + (i * step) + length)))];
        return (moved with { Gap = gaps }, atRest);
    }

    public Moved Move(int count, TimeSpan period) => MoveRaw(count, period).Moved;

    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            node.Dispose();
        }

        GC.SuppressFinalize(this);
        End();
    }

    /// <summary>Which nodes' moves count, as the source.</summary>
    protected abstract IReadOnlyList<int> Sources { get; }

    protected abstract void End();

    private (Samples First, Samples Second, Moved Moved) MoveRaw(int count, TimeSpan period)
    {
        long start = Stopwatch.GetTimestamp() + (long)s_lead.TotalNanoseconds;
        string command = string.Create(CultureInfo.InvariantCulture, $"moves {count} {(long)period.TotalNanoseconds} {start}");
        foreach (var node in Nodes)
        {
            node.Tell(command);
        }

        Samples[] samples = [.. Nodes.Select(node => node.Answer<Samples>())];
        var sources = Sources.Select(i => (Source: samples[i], Target: samples[1 - i])).ToList();
        return (samples[0], samples[1], new(
            [.. sources.SelectMany(s => s.Source.Whole).Select(Micros)],
            Between(sources, s => s.Source.Frozen, s => s.Target.Active),
            [.. sources.SelectMany(s => s.Source.Export.Zip(s.Target.Import, (export, import) => Micros(export + import)))],
            [.. sources.SelectMany(s => s.Source.Steering.Concat(s.Target.Steering)).Select(Micros)],
            [],
            samples.Sum(s => s.Failed),
            [
                Between(sources, s => s.Source.Frozen, s => s.Target.Arrived),
                Between(sources, s => s.Target.Arrived, s => s.Target.Installed),
                Between(sources, s => s.Target.Installed, s => s.Source.Decided),
                Between(sources, s => s.Source.Decided, s => s.Target.Active),
            ],
            string.Join(", ", samples.SelectMany(s => s.Why).Select(why => string.Create(CultureInfo.InvariantCulture, $"{why.Value}: {why.Key}"))),
            string.Create(CultureInfo.InvariantCulture, $"{samples.Sum(s => s.Collections)} collections, {samples.Sum(s => s.Paused)} µs"),
            PerSecond([.. samples.SelectMany(s => s.Asked.Values)])));
    }

    private static double PerSecond(long[] asked) => asked.Length < 2 ? double.NaN : (asked.Length - 1) * 1e9 / (asked.Max() - asked.Min());

    private static double[] Between(
        List<(Samples Source, Samples Target)> sources,
        Func<(Samples Source, Samples Target), Dictionary<string, long>> from,
        Func<(Samples Source, Samples Target), Dictionary<string, long>> to) =>
        [.. sources.SelectMany(s => from(s).Where(moment => to(s).ContainsKey(moment.Key)).Select(moment => Micros(to(s)[moment.Key] - moment.Value)))];

    private static double Micros(long nanoseconds) => nanoseconds / 1e3;
}

/// <summary>Waits for what must come.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    public static void Until(Func<bool> condition, string otherwise)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(2))
        {
            if (Stopwatch.GetElapsedTime(start) > s_limit)
            {
                throw new BenchException(otherwise);
            }
        }
    }
}

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
internal sealed record Moved(double[] Whole, double[] Freeze, double[] Cpu, double[] Steering, double[] Gap, int Failed);

/// <summary>One side of the comparison: two nodes in processes of their own, and a client.</summary>
internal abstract class Side : IDisposable
{
    private static readonly TimeSpan s_lead = TimeSpan.FromMilliseconds(100);

    /// <summary>The nodes; connections are accepted by the first.</summary>
    protected NodeHandle[] Nodes { get; init; } = [];

    /// <summary>Opens a connection; the first node has it when this returns.</summary>
    public abstract KernelSocket Connect(int receiveBuffer = 0);

    /// <summary>Waits until nothing is left of connections that the client has reset.</summary>
    public abstract void Forget();

    /// <summary>Lets the first node give everything away, then the second: connections per second, the better of both.</summary>
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

    /// <summary>Moves the connection of a client that asks all the time; its longest gaps without moves come second.</summary>
    public (Moved Moved, double[] AtRest) MoveAsked(int warmUp, int count, TimeSpan period, TimeSpan rest)
    {
        SetMode(MoverMode.Echo);
        var socket = Connect();
        var client = new AskingClient(socket);
        Move(warmUp, period);
        long from = System.Diagnostics.Stopwatch.GetTimestamp();
        Thread.Sleep(rest);
        long to = System.Diagnostics.Stopwatch.GetTimestamp();
        var (source, target, moved) = MoveRaw(count, period);
        var answered = client.Stop();
        socket.Reset();
        Forget();
        double[] gaps = [.. source.Asked.Concat(target.Asked).Select(asked => AskingClient.Longest(answered, asked.Value, asked.Value + (long)moved.Whole.Max() * 1000) / 1e3)];

        // As many times at rest, each as long as a move takes: what is quoted beside the moves is as likely to be long.
        long step = (to - from) / Math.Max(1, count);
        double[] atRest = [.. Enumerable.Range(0, count).Select(i => AskingClient.Longest(answered, from + i * step, from + (i * step) + (long)moved.Whole.Max() * 1000) / 1e3)];
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
        long start = System.Diagnostics.Stopwatch.GetTimestamp() + (long)s_lead.TotalNanoseconds;
        string command = string.Create(CultureInfo.InvariantCulture, $"moves {count} {(long)period.TotalNanoseconds} {start}");
        foreach (var node in Nodes)
        {
            node.Tell(command);
        }

        Samples[] samples = [.. Nodes.Select(node => node.Answer<Samples>())];
        var sources = Sources.Select(i => (Source: samples[i], Target: samples[1 - i])).ToList();
        return (samples[0], samples[1], new(
            [.. sources.SelectMany(s => s.Source.Whole).Select(Micros)],
            [.. sources.SelectMany(s => s.Source.Frozen.Where(f => s.Target.Active.ContainsKey(f.Key)).Select(f => Micros(s.Target.Active[f.Key] - f.Value)))],
            [.. sources.SelectMany(s => s.Source.Export.Zip(s.Target.Import, (export, import) => Micros(export + import)))],
            [.. sources.SelectMany(s => s.Source.Steering.Concat(s.Target.Steering)).Select(Micros)],
            [],
            samples.Sum(s => s.Failed)));
    }

    private static double Micros(long nanoseconds) => nanoseconds / 1e3;
}

/// <summary>Waits for what must come.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    public static void Until(Func<bool> condition, string otherwise)
    {
        for (long start = System.Diagnostics.Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(2))
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > s_limit)
            {
                throw new BenchException(otherwise);
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Baton.Bench.Machine;

namespace Baton.Bench.Moves;

/// <summary>What a node's process has measured: nanoseconds, or moments on the machine's clock by the name of a move.</summary>
internal sealed record Samples
{
    /// <summary>Moves that did not succeed.</summary>
    public int Failed { get; set; }

    /// <summary>Why, and how often.</summary>
    public Dictionary<string, int> Why { get; init; } = [];

    /// <summary>Garbage collections in the node's process.</summary>
    public int Collections { get; init; }

    /// <summary>Microseconds for which they stopped it.</summary>
    public long Paused { get; init; }

    /// <summary>From asking for a move until the source knows that it is done.</summary>
    public List<long> Whole { get; init; } = [];

    /// <summary>Writing an image.</summary>
    public List<long> Export { get; init; } = [];

    /// <summary>Making a connection from one.</summary>
    public List<long> Import { get; init; } = [];

    /// <summary>When each move was asked for, at the source.</summary>
    public Dictionary<string, long> Asked { get; init; } = [];

    /// <summary>When the source stopped serving.</summary>
    public Dictionary<string, long> Frozen { get; init; } = [];

    /// <summary>When the target had the state, and when it had made a connection of it.</summary>
    public Dictionary<string, long> Arrived { get; init; } = [];

    /// <inheritdoc cref="Arrived"/>
    public Dictionary<string, long> Installed { get; init; } = [];

    /// <summary>When the home decided.</summary>
    public Dictionary<string, long> Decided { get; init; } = [];

    /// <summary>When the target began to serve, with what the client sends on its way there.</summary>
    public Dictionary<string, long> Active { get; init; } = [];

    /// <summary>Of a move's time, what changing the way of the client's packets took.</summary>
    public List<long> Steering { get; init; } = [];
}

/// <summary>The commands that a node's process is given on its input, a line each; each is answered by a line.</summary>
internal sealed class Commands
{
    private readonly ConcurrentQueue<string[]> _lines = new();

    /// <param name="onLine">Called on the reading thread when there is one more.</param>
    public Commands(Action onLine)
    {
        new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                _lines.Enqueue(line.Split(' '));
                onLine();
            }

            Ended = true;
            onLine();
        })
        {
            Name = "commands",
            IsBackground = true,
        }.Start();
    }

    /// <summary>Whether the input has ended: the process is to end.</summary>
    public volatile bool Ended;

    public bool TryTake(out string[] words) => _lines.TryDequeue(out words!);

    public static void Answer<T>(T answer)
    {
        Console.Out.WriteLine(JsonSerializer.Serialize(answer));
        Console.Out.Flush();
    }
}

/// <summary>A node's process, as the benchmark speaks to it.</summary>
internal sealed class NodeHandle : IDisposable
{
    // Longer than any schedule.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private string _last = "";

    /// <param name="arguments">What tells this program to be the node.</param>
    public NodeHandle(params string[] arguments)
    {
        string[] command = [.. AheadOfOthers.Before, Environment.ProcessPath!, "exec", Environment.GetCommandLineArgs()[0], .. arguments];
        _process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,

            // Compiled fully at first use: else what is measured is how far the runtime's compiler has come.
            Environment = { ["DOTNET_TieredCompilation"] = "0" },
        })!;
    }

    /// <summary>Gives a command without waiting for its answer.</summary>
    public void Tell(string command)
    {
        _last = command;
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
    }

    /// <summary>The answer to the command that was given first of those unanswered.</summary>
    public T Answer<T>()
    {
        var line = _process.StandardOutput.ReadLineAsync();
        return !line.Wait(s_limit) ? throw new BenchException($"a node's process does not answer ({_last})")
            : JsonSerializer.Deserialize<T>(line.Result ?? throw new BenchException("a node's process has ended"))!;
    }

    public T Ask<T>(string command)
    {
        Tell(command);
        return Answer<T>();
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}

/// <summary>When the owner is to move its connection: the moves of both nodes together, one each period.</summary>
/// <param name="Count">How many.</param>
/// <param name="Period">Nanoseconds from one to the next.</param>
/// <param name="Start">When the first is due, by the machine's clock.</param>
internal sealed record Schedule(int Count, long Period, long Start)
{
    private static readonly TimeSpan s_lead = TimeSpan.FromMicroseconds(100);

    /// <summary>Moves that are over, either way.</summary>
    public int Done { get; set; }

    public bool IsOver => Done >= Count;

    public long Due => Start + Done * Period;

    /// <summary>From when on both nodes are awake for the next move.</summary>
    public long AwakeFrom => Due - (long)s_lead.TotalNanoseconds;

    public bool IsDue => !IsOver && Stopwatch.GetTimestamp() >= Due;

    /// <summary>Reads <c>moves COUNT PERIOD START</c>.</summary>
    public static Schedule Read(string[] words) => new(Number(words[1]), Number(words[2]), long.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture));

    private static int Number(string word) => int.Parse(word, System.Globalization.CultureInfo.InvariantCulture);
}

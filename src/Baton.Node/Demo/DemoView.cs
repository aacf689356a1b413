using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Baton.Node.Demo;

/// <summary>One step of the demonstration as it is shown.</summary>
internal sealed class DemoStep(string name, Action<string> onEvent)
{
    private readonly Lock _lock = new();
    private readonly List<string> _events = [];
    private string _now = "";

    public string Name { get; } = name;

    /// <summary>Null while it runs.</summary>
    public bool? Held { get; private set; }

    /// <summary>What it is doing; replaced by what comes next.</summary>
    public void Now(string text)
    {
        lock (_lock)
        {
            _now = text;
        }
    }

    /// <summary>Something that stays.</summary>
    public void Event(string text)
    {
        lock (_lock)
        {
            _events.Add(text);
        }

        onEvent(text);
    }

    public void Done(bool held, string text)
    {
        Held = held;
        Now("");
        Event(text);
    }

    /// <summary>All there is to show.</summary>
    public string Text
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _now.Length > 0 ? _events.Append(_now) : _events);
            }
        }
    }
}

/// <summary>Shows the steps: as a live table on a terminal, else as plain lines.</summary>
internal sealed class DemoView : IAsyncDisposable
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(100);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<DemoStep> _steps = [];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly bool _isLive;
    private readonly TextWriter _lines;
    private readonly Task _drawing;

    /// <summary>Shows lines on <paramref name="lines"/> unless <paramref name="live"/>.</summary>
    public DemoView(bool live, TextWriter lines)
    {
        _isLive = live;
        _lines = lines;
        _drawing = live ? DrawAsync() : Task.CompletedTask;
    }

    public TimeSpan Elapsed => _clock.Elapsed;

    public DemoStep Begin(string name)
    {
        var step = new DemoStep(name, text => Line(name, text));
        lock (_lock)
        {
            _steps.Add(step);
        }

        return step;
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _drawing;
        _ended.Dispose();
    }

    private void Line(string name, string text)
    {
        if (!_isLive)
        {
            _lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,6:0.00} s  {name,-16}  {text}"));
        }
    }

    private Task DrawAsync() => AnsiConsole.Live(Table()).AutoClear(false).StartAsync(async live =>
    {
        while (!_ended.IsCancellationRequested)
        {
            live.UpdateTarget(Table());
            await Task.Delay(Refresh, _ended.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        live.UpdateTarget(Table());
    });

    private Table Table()
    {
        var table = new Table().Border(TableBorder.Rounded).Title(string.Create(CultureInfo.InvariantCulture, $"baton demo  {_clock.Elapsed.TotalSeconds:0.0} s"));
        table.AddColumn("").AddColumn("step").AddColumn("what happens");
        lock (_lock)
        {
            foreach (var step in _steps)
            {
                string mark = step.Held switch
                {
                    true => "[green]ok[/]",
                    false => "[red]no[/]",
                    null => "[yellow]..[/]",
                };
                table.AddRow(mark, Markup.Escape(step.Name), Markup.Escape(step.Text));
            }
        }

        return table;
    }
}

using System.Globalization;
using System.Net;
using Baton.Engine;
using TakeoverResult = Baton.Handoff.TakeoverResult;

namespace Baton.Hosting;

/// <summary>What can be asked of one node, by its own tool or by another member.</summary>
internal sealed class NodeControl(BatonEngine engine, TimeProvider time)
{
    private readonly ViewMapping _views = new(engine);
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly Lock _lock = new();
    private DrainView _drain = new(engine.Self.Name, "none", null);
    private Func<Task> _endDrain = () => Task.CompletedTask;

    /// <summary>This node.</summary>
    public async ValueTask<NodeView> StatusAsync(CancellationToken cancellation) => ViewMapping.Node(engine.Self, null) with
    {
        Process = Environment.ProcessId,
        UptimeSeconds = (time.GetUtcNow() - _started).TotalSeconds,
        Homes = [.. (await engine.HomesAsync()).Select(h => new HomeView(h.Address.ToString(), h.Home, h.Incarnation.Value, h.Phase))],
        Counters = await engine.CountersAsync(),
    };

    /// <summary>This node's endpoints.</summary>
    public async ValueTask<ConnectionsView> ConnectionsAsync(CancellationToken cancellation)
    {
        var endpoints = await engine.EndpointsAsync();
        return new([.. endpoints.Select(_views.Connection)], new Dictionary<string, string>());
    }

    /// <summary>The handoffs this node took part in.</summary>
    public async ValueTask<IReadOnlyList<HandoffView>> HandoffsAsync(CancellationToken cancellation) =>
        [.. (await engine.HandoffsAsync()).Select(_views.Handoff)];

    /// <summary>This node's part of the directory.</summary>
    public async ValueTask<IReadOnlyList<ForwardingView>> ForwardingAsync(CancellationToken cancellation) =>
        [.. (await engine.ForwardingEntriesAsync()).Select(ViewMapping.Forwarding)];

    /// <summary>Moves one of this node's endpoints.</summary>
    public async ValueTask<MoveView> MoveAsync(MoveCommand command, CancellationToken cancellation)
    {
        var found = (await ConnectionsAsync(cancellation)).Connections.Where(c => Names(command.Connection, c)).ToArray();
        if (found is not [var connection])
        {
            return new(MoveOutcome.NotFound, $"{found.Length} endpoints of node {engine.Self.Name} are named by '{command.Connection}'", null, null);
        }

        var id = new Wire.EndpointId(ulong.Parse(connection.Id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        var result = await engine.MoveAsync(id, command.Target, cancellation);
        return new(result.Outcome, result.Reason, connection, result.Event is { } handoff ? _views.Handoff(handoff) : null);
    }

    /// <summary>What this node decided about the connections of a client, as far as it still knows.</summary>
    public async ValueTask<IReadOnlyList<PlacementView>> PlacementsAsync(string client) =>
        IPEndPoint.TryParse(client, out var at) ? [.. (await engine.ExplainPlacementAsync(at)).Select(_views.Placement)] : [];

    /// <summary>Whether <paramref name="text"/> (an id, the beginning of one, or the client's address and port) names the connection.</summary>
    public static bool Names(string text, ConnectionView connection) =>
        connection.Client == text
        || text.Length >= 4 && connection.Id.StartsWith(text, StringComparison.OrdinalIgnoreCase);

    /// <summary>How far the drain is.</summary>
    public DrainView Drain
    {
        get
        {
            lock (_lock)
            {
                return _drain;
            }
        }
    }

    /// <summary>Begins to drain, unless that runs already.</summary>
    public DrainView BeginDrain()
    {
        lock (_lock)
        {
            if (_drain.State != "running")
            {
                _drain = new(engine.Self.Name, "running", null);
                var cancel = new CancellationTokenSource();
                var drain = DrainAsync(cancel.Token);
                _endDrain = async () =>
                {
                    await cancel.CancelAsync();
                    await drain;
                };
            }

            return _drain;
        }
    }

    /// <summary>Takes connections again; a drain that still runs ends.</summary>
    public async ValueTask<DrainView> ResumeAsync(CancellationToken cancellation)
    {
        await _endDrain().WaitAsync(cancellation);
        await engine.ResumeAsync();
        return Set(new(engine.Self.Name, "none", null));
    }

    /// <summary>Takes a dead node's service addresses.</summary>
    public async ValueTask<TakeoverView> TakeOverAsync(TakeoverCommand command, CancellationToken cancellation)
    {
        if (engine.Members.All(m => m.Name != command.Node))
        {
            return new(engine.Self.Name, false, $"'{command.Node}' is no member; members are {string.Join(", ", engine.Members.Select(m => m.Name))}", []);
        }

        var outcome = await engine.TakeOverAsync(command.Node, command.Force, cancellation);
        string reason = outcome.Result switch
        {
            TakeoverResult.Taken => "",
            TakeoverResult.NothingToTake => $"{command.Node} is home of no address",
            TakeoverResult.StillHeard => $"{outcome.By} cannot say that {command.Node} is silent: it was heard of late, or never heard this start of {outcome.By}",
            TakeoverResult.NoMajority => $"not more than half of the members could say that {command.Node} is silent; make sure that it is off, then use --force",
            _ => "another takeover is under way at this node",
        };
        return new(engine.Self.Name, outcome.Result == TakeoverResult.Taken, reason, outcome.Addresses);
    }

    private async Task DrainAsync(CancellationToken cancellation)
    {
        var progress = new ImmediateProgress(p => Set(new(engine.Self.Name, "running", p)));
        try
        {
            Set(new(engine.Self.Name, "done", await engine.DrainAsync(progress, cancellation)));
        }
        catch (Exception failure) when (failure is BatonException or ObjectDisposedException or OperationCanceledException)
        {
            Set(new(engine.Self.Name, "failed", Drain.Progress, failure.Message));
        }
    }

    private DrainView Set(DrainView view)
    {
        lock (_lock)
        {
            return _drain = view;
        }
    }

    /// <summary>Reports in the caller's order (the platform's own posts to the pool).</summary>
    private sealed class ImmediateProgress(Action<DrainProgress> report) : IProgress<DrainProgress>
    {
        public void Report(DrainProgress value) => report(value);
    }
}

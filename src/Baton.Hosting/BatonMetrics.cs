using System.Diagnostics.Metrics;
using Baton.Engine;

namespace Baton.Hosting;

/// <summary>
/// The node's metrics, meter <c>Baton</c>, with OpenTelemetry's style of names. The engine's counters are read once a
/// second, never by a scrape itself.
/// </summary>
internal sealed class BatonMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Baton";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Meter _meter;
    private readonly Histogram<double> _frozen;
    private readonly KeyValuePair<string, object?> _node;
    private EngineCounters? _counters;

    public BatonMetrics(string node)
    {
        _node = new("baton.node", node);
        _meter = new(MeterName, null, [_node]);
        _frozen = _meter.CreateHistogram<double>("baton.handoff.frozen", "s", "Time an endpoint emitted nothing during its handoff.");
        Counter("baton.frames", "{frame}", "Frames on the links.", c =>
        [
            new(c.FrontFramesIn, new("network", "front"), new("direction", "in")),
            new(c.FrontFramesOut, new("network", "front"), new("direction", "out")),
            new(c.LanFramesIn, new("network", "lan"), new("direction", "in")),
            new(c.LanFramesOut, new("network", "lan"), new("direction", "out")),
        ]);
        Counter("baton.packets", "{packet}", "Packets by what was done with them.", c =>
        [
            new(c.Local, new KeyValuePair<string, object?>("verdict", "local")),
            new(c.Forwarded, new KeyValuePair<string, object?>("verdict", "forwarded")),
            new(c.ForwardedByTombstone, new KeyValuePair<string, object?>("verdict", "forwarded_late")),
            new(c.Decapsulated, new KeyValuePair<string, object?>("verdict", "decapsulated")),
            new(c.Held, new KeyValuePair<string, object?>("verdict", "held")),
            new(c.NicForwarded, new KeyValuePair<string, object?>("verdict", "forwarded_by_nic")),
        ]);
        Counter("baton.drops", "{packet}", "Packets dropped, by reason.", c =>
            c.Drops.Select(d => new Measurement<long>(d.Value, new KeyValuePair<string, object?>("reason", d.Key))));
        Counter("baton.peers.refused", "{attempt}", "Attempts to agree on keys with a member that failed, by reason.", c =>
            c.PeersRefused.Select(d => new Measurement<long>(d.Value, new KeyValuePair<string, object?>("reason", d.Key))));
        Counter("baton.resets", "{segment}", "RST segments sent for segments of no connection.", c =>
        [
            new(c.ResetsSent, new KeyValuePair<string, object?>("to", "client")),
            new(c.HostResetsSent, new KeyValuePair<string, object?>("to", "own")),
        ]);
        Counter("baton.syn_cookies", "{segment}", "SYN cookies by what became of them.", c =>
        [
            new(c.SynCookiesSent, new KeyValuePair<string, object?>("outcome", "sent")),
            new(c.SynCookiesAccepted, new KeyValuePair<string, object?>("outcome", "accepted")),
            new(c.SynCookiesRefused, new KeyValuePair<string, object?>("outcome", "refused")),
        ]);
        Counter("baton.endpoints.created", "{endpoint}", "Endpoints made by a client's first packet.", c => [new(c.EndpointsCreated)]);
        Counter("baton.endpoints.closed", "{endpoint}", "Endpoints closed.", c => [new(c.EndpointsClosed)]);
        Counter("baton.handoffs", "{handoff}", "Handoffs by outcome.", c =>
        [
            new(c.HandoffsOut, new KeyValuePair<string, object?>("outcome", "out")),
            new(c.HandoffsIn, new KeyValuePair<string, object?>("outcome", "in")),
            new(c.HandoffsFailed, new KeyValuePair<string, object?>("outcome", "failed")),
        ]);
        Counter("baton.residues.taken", "{connection}", "Other nodes' connections in TIME-WAIT that this node, their home, has taken.", c => [new(c.ResiduesTaken)]);
        Gauge("baton.endpoints", "{endpoint}", "Endpoints here.", c => c.Endpoints);
        Gauge("baton.endpoints.unattached", "{endpoint}", "Endpoints without an application.", c => c.Unattached);
        Gauge("baton.flows", "{flow}", "Flows in the directory.", c => c.Flows);
        Gauge("baton.tombstones", "{endpoint}", "Endpoints that have left and whose late packets are forwarded.", c => c.Tombstones);
        Gauge("baton.residues", "{connection}", "Other nodes' connections in TIME-WAIT that are kept here, at their home.", c => c.Residues);
    }

    /// <summary>Keeps the counters fresh until cancelled.</summary>
    public async Task RunAsync(BatonEngine engine, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval);
        do
        {
            OnCounters(await engine.CountersAsync());
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    /// <summary>What the engine has counted: the next scrapes tell it.</summary>
    public void OnCounters(EngineCounters counters) => _counters = counters;

    /// <summary>Counts one handoff.</summary>
    public void OnHandoff(HandoffEvent handoff)
    {
        if (handoff is { Role: HandoffRole.Source, Outcome: MoveOutcome.Moved })
        {
            _frozen.Record(handoff.FrozenMicroseconds / 1e6);
        }
    }

    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string unit, string description, Func<EngineCounters, IEnumerable<Measurement<long>>> read) =>
        _meter.CreateObservableCounter(name, IEnumerable<Measurement<long>> () => _counters is { } counters ? read(counters) : [], unit, description);

    private void Gauge(string name, string unit, string description, Func<EngineCounters, long> read) =>
        _meter.CreateObservableGauge(name, IEnumerable<Measurement<long>> () => _counters is { } counters ? [new(read(counters))] : [], unit, description);
}

using System.Diagnostics.Metrics;
using Baton.Engine;
using Baton.Hosting;
using Baton.Wire;

namespace Baton.Node.Tests.Hosting;

public sealed class MetricsTests : IDisposable
{
    private readonly BatonMetrics _metrics = new("metrics-test");
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, double> _values = [];
    private readonly Dictionary<string, string> _units = [];

    public MetricsTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == BatonMetrics.MeterName && instrument.Meter.Tags!.Single().Value as string == "metrics-test")
            {
                _units.Add(instrument.Name, instrument.Unit!);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _values[Key(instrument, tags)] = value);
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => _values[Key(instrument, tags)] = value);
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public void Every_instrument_of_the_document_is_there_with_its_unit()
    {
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["baton.frames"] = "{frame}",
                ["baton.packets"] = "{packet}",
                ["baton.drops"] = "{packet}",
                ["baton.peers.refused"] = "{attempt}",
                ["baton.resets"] = "{segment}",
                ["baton.syn_cookies"] = "{segment}",
                ["baton.endpoints"] = "{endpoint}",
                ["baton.endpoints.unattached"] = "{endpoint}",
                ["baton.endpoints.created"] = "{endpoint}",
                ["baton.endpoints.closed"] = "{endpoint}",
                ["baton.flows"] = "{flow}",
                ["baton.tombstones"] = "{endpoint}",
                ["baton.residues"] = "{connection}",
                ["baton.residues.taken"] = "{connection}",
                ["baton.handoffs"] = "{handoff}",
                ["baton.handoff.frozen"] = "s",
            }.OrderBy(pair => pair.Key),
            _units.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void Nothing_is_told_before_the_engine_was_asked()
    {
        _listener.RecordObservableInstruments();
        Assert.Empty(_values);
    }

    [Fact]
    public void Each_counter_of_the_engine_is_told_under_its_tags()
    {
        _metrics.OnCounters(Counters());

        _listener.RecordObservableInstruments();

        Assert.Equal(
            new Dictionary<string, double>
            {
                ["baton.frames network=front direction=in"] = 1,
                ["baton.frames network=front direction=out"] = 2,
                ["baton.frames network=lan direction=in"] = 3,
                ["baton.frames network=lan direction=out"] = 4,
                ["baton.packets verdict=local"] = 5,
                ["baton.packets verdict=forwarded"] = 6,
                ["baton.packets verdict=forwarded_late"] = 7,
                ["baton.packets verdict=forwarded_by_nic"] = 26,
                ["baton.packets verdict=decapsulated"] = 8,
                ["baton.packets verdict=held"] = 9,
                ["baton.resets to=client"] = 10,
                ["baton.resets to=own"] = 25,
                ["baton.syn_cookies outcome=sent"] = 22,
                ["baton.syn_cookies outcome=accepted"] = 23,
                ["baton.syn_cookies outcome=refused"] = 24,
                ["baton.endpoints"] = 11,
                ["baton.endpoints.unattached"] = 12,
                ["baton.flows"] = 13,
                ["baton.tombstones"] = 14,
                ["baton.residues"] = 27,
                ["baton.residues.taken"] = 28,
                ["baton.endpoints.created"] = 15,
                ["baton.endpoints.closed"] = 16,
                ["baton.handoffs outcome=out"] = 17,
                ["baton.handoffs outcome=in"] = 18,
                ["baton.handoffs outcome=failed"] = 19,
                ["baton.drops reason=Truncated"] = 20,
                ["baton.drops reason=NotHome"] = 21,
            }.OrderBy(pair => pair.Key),
            _values.OrderBy(pair => pair.Key));
    }

    [Theory]
    [InlineData(HandoffRole.Source, MoveOutcome.Moved, true)]
    [InlineData(HandoffRole.Target, MoveOutcome.Moved, false)]
    [InlineData(HandoffRole.Source, MoveOutcome.Aborted, false)]
    public void The_time_frozen_is_recorded_once_at_the_source_in_seconds(HandoffRole role, MoveOutcome outcome, bool recorded)
    {
        var flow = new Flow(IpProtocol.Tcp, new(InetAddress.Parse("198.51.100.101"), 80, InetAddress.Parse("198.51.100.200"), 5000));
        _metrics.OnHandoff(new HandoffEvent(
            TimeSpan.FromSeconds(1), role, new HandoffId(1), flow, new EndpointId(2), new NodeId(1), new NodeId(2), new Epoch(2), outcome, "", 250, 3, 4));

        double[] expected = recorded ? [0.00025] : [];
        Assert.Equal(expected, _values.Where(pair => pair.Key == "baton.handoff.frozen").Select(pair => pair.Value));
    }

    private static EngineCounters Counters() => new()
    {
        FrontFramesIn = 1,
        FrontFramesOut = 2,
        LanFramesIn = 3,
        LanFramesOut = 4,
        Local = 5,
        Forwarded = 6,
        ForwardedByTombstone = 7,
        Decapsulated = 8,
        Held = 9,
        ResetsSent = 10,
        HostResetsSent = 25,
        SynCookiesSent = 22,
        NicForwarded = 26,
        SynCookiesAccepted = 23,
        SynCookiesRefused = 24,
        Endpoints = 11,
        Unattached = 12,
        Flows = 13,
        Tombstones = 14,
        Residues = 27,
        ResiduesTaken = 28,
        EndpointsCreated = 15,
        EndpointsClosed = 16,
        HandoffsOut = 17,
        HandoffsIn = 18,
        HandoffsFailed = 19,
        Drops = new Dictionary<string, long> { ["Truncated"] = 20, ["NotHome"] = 21 },
    };

    private static string Key(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string key = instrument.Name;
        foreach (var (name, value) in tags)
        {
            key += $" {name}={value}";
        }

        return key;
    }
}

using Baton.Scenarios.Script;
using Baton.Scenarios.Sockets;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>One run of a script: takes its events in order, lets time pass between them, and compares.</summary>
internal sealed class ScenarioRun
{
    /// <summary>How much longer a run looks for a packet that did not come in time, to tell late from missing.</summary>
    private static readonly TimeSpan LookAhead = TimeSpan.FromSeconds(10);

    /// <summary>How long a packet at any time (<c>*</c>) is waited for.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(3);

    private readonly ParsedScript _script;
    private readonly ScriptSettings _settings;
    private readonly StackUnderTest _host;
    private readonly FlowMaps _flows;
    private readonly SocketTable _sockets;
    private readonly SocketCalls _calls;
    private readonly PacketComparison _comparison;
    private readonly BlockedCall _blocked;
    private readonly CodeRun _code;
    private readonly ICollection<string> _ignored;

    /// <summary>What times with <c>+</c> are counted from.</summary>
    private Instant _last = StackUnderTest.Start;

    /// <summary>The line that is played.</summary>
    public int Line { get; private set; }

    /// <summary>Prepares a run.</summary>
    /// <param name="script">The script.</param>
    /// <param name="settings">Its settings, set-up commands included.</param>
    /// <param name="ignored">Takes what of the script's lines was not compared.</param>
    public ScenarioRun(ParsedScript script, ScriptSettings settings, ICollection<string> ignored)
    {
        _script = script;
        _settings = settings;
        _ignored = ignored;
        _flows = new(_settings);
        _host = new(_settings, OnSent);
        _sockets = new(_settings, _host, _flows);
        _calls = new(_sockets);
        _comparison = new(_settings, _flows, _host.Stack, ignored);
        _blocked = new(_host, _settings.Tolerance);
        _code = new(_sockets);
        if (script.Events.OfType<SocketCall>().FirstOrDefault(c => !_calls.Knows(c.Name)) is { } call)
        {
            throw new UnsupportedConstructException(call.Line, call.Name);
        }

        CodeRun.RefuseUnknownNames(script.Events);
    }

    public void Play()
    {
        for (int i = 0; i < _script.Events.Count; i++)
        {
            var e = _script.Events[i];
            Line = e.Line;
            var start = e.Time.Kind switch
            {
                TimeKind.Absolute => StackUnderTest.Start + e.Time.Offset,
                _ => _last + e.Time.Offset,
            };
            var origin = start - e.Time.Offset;
            _last = start;
            if (e is OutboundPacket expected)
            {
                Expect(expected, start, origin + e.Time.Latest);
                continue;
            }

            PassTime(start);
            RefuseUnexpected(e.Line, _host.Now, i);
            switch (e)
            {
                case InboundPacket inbound:
                    Inject(inbound);
                    break;
                case SocketCall call:
                    Call(call, origin);
                    break;
                case CodeEvent code:
                    _code.Run(code);
                    break;
            }
        }

        Finish();
    }

    /// <summary>Lets time pass up to a moment, and a call that blocks have its result when it comes.</summary>
    private void PassTime(Instant until)
    {
        do
        {
            _blocked.Poll();
        }
        while (_host.Step(Instant.Min(until, _blocked.Deadline)) || _host.Now < until);

        _blocked.Poll();
    }

    private void Expect(OutboundPacket e, Instant earliest, Instant latest)
    {
        while (ExpectOne(e, earliest, latest) is { } rest)
        {
            e = e with { Packet = rest };
        }
    }

    /// <summary>Compares one packet; gives what the line expects behind it.</summary>
    private PacketSpec? ExpectOne(OutboundPacket e, Instant earliest, Instant latest)
    {
        bool any = e.Time.Kind == TimeKind.Any;
        var limit = any ? _host.Now + LongestWait : latest + _settings.Tolerance;
        string when = any ? "" : $" at {At(earliest)}";
        if (!WaitForPacket(limit))
        {
            bool late = WaitForPacket(limit + LookAhead);
            string got = late && _comparison.Compare(e.Packet, _host.Sent.Peek(), out string text) is null
                ? $"late, at {At(_host.Sent.Peek().Time)}: {text}"
                : "no packet";
            throw new ScenarioFailedException(e.Line, $"{e.Packet}{when}", got);
        }

        var sent = _host.Sent.Dequeue();
        bool split = _comparison.TrySplit(e.Packet, sent, out var first, out var rest);
        if (_comparison.Compare(first, sent, out string actual, e.Line) is { } difference)
        {
            throw new ScenarioFailedException(e.Line, $"{e.Packet}{when}", $"{actual} at {At(sent.Time)} (another {difference})");
        }

        if (!any && sent.Time < earliest - _settings.Tolerance)
        {
            throw new ScenarioFailedException(e.Line, $"{e.Packet}{when}", $"early, at {At(sent.Time)}: {actual}");
        }

        if (e.Time.IsOpen)
        {
            _last = sent.Time;
        }

        return split ? rest : null;
    }

    private bool WaitForPacket(Instant until)
    {
        while (_host.Sent.Count == 0 && _host.Now < until)
        {
            PassTime(Instant.Min(until, Instant.Max(_host.Now, _host.Stack.NextDeadline)));
        }

        return _host.Sent.Count > 0;
    }

    /// <summary>A packet that left so long ago that no line to come can mean it.</summary>
    private void RefuseUnexpected(int line, Instant now, int index)
    {
        var next = _script.Events.Skip(index).OfType<OutboundPacket>().FirstOrDefault();
        bool nothingFollows = next is null && _settings.Profile == ScenarioProfile.Linux;
        if (!nothingFollows && _host.Sent.TryPeek(out var packet) && packet.Time + _settings.Tolerance < now && next?.Time.Kind != TimeKind.Any)
        {
            throw new ScenarioFailedException(line, $"no packet before {At(now)}", $"{_comparison.Describe(packet)} at {At(packet.Time)}");
        }
    }

    private void Inject(InboundPacket e)
    {
        var protocol = e.Packet is DatagramSpec ? IpProtocol.Udp : IpProtocol.Tcp;
        var flow = _flows.OfInbound(protocol, e.Packet);
        if (e.Packet is SegmentSpec syn && syn.Has('S') && !syn.Has('R'))
        {
            bool opens = !syn.Has('.') && _host.Stack.Find(new Flow(IpProtocol.Tcp, flow.Tuple)) is null;
            flow.OnRemoteSyn(syn.Start, opens);
        }

        if (e.Packet is SegmentSpec arriving)
        {
            flow.Log.OnReceived(_host.Now, arriving.Length, arriving.Has('.'));
        }

        _host.Deliver(e.Packet switch
        {
            SegmentSpec segment => PacketBuilder.Segment(segment, flow),
            DatagramSpec datagram => PacketBuilder.Datagram(datagram, flow),
            _ => PacketBuilder.Icmp((IcmpSpec)e.Packet, flow, e.Line),
        });
        _blocked.Poll();
    }

    private void OnSent(SentPacket packet)
    {
        if (packet.Ip.Protocol == IpProtocol.Tcp && TcpHeader.TryParse(packet.Transport, out var header, out int length) == DropReason.None)
        {
            int payload = packet.Transport.Length - length;
            _flows.OfSent(packet).Log.OnSent(packet.Time, header, payload);
            packet.HasMoreBehind = _host.Stack.Find(packet.Ip.FlowAtSource()) is TcpEndpoint { Connection: { } connection }
                && connection.Sequence is var sequence
                && header.Sequence + (uint)payload - sequence.SndUna < connection.Statistics.SendQueueBytes;
        }
    }

    private void Call(SocketCall call, Instant origin)
    {
        if (_blocked.Call is { } blocked)
        {
            throw new ScenarioFailedException(call.Line, $"{call.Name} is called", $"{blocked.Name} of line {blocked.Line} still blocks");
        }

        var pending = _calls.Start(call);
        if (call.End is { } end)
        {
            _blocked.Begin(call, pending, origin + end);
        }
        else if (pending() is { } result)
        {
            BlockedCall.Compare(call, result);
        }
        else
        {
            BlockedCall.Compare(call, _calls.MayBlock(call) ? new(-1, Difference: "the call blocks") : CallResult.Fail("EAGAIN"));
        }
    }

    /// <summary>Nothing may be left over: no call that blocks, no packet.</summary>
    private void Finish()
    {
        int line = _script.Events.Count > 0 ? _script.Events[^1].Line : 1;
        var end = _host.Now + _settings.Tolerance;
        PassTime(_blocked.Call is null ? end : Instant.Max(end, _blocked.Deadline));
        if (_settings.Profile == ScenarioProfile.Linux && _host.Sent.Count > 0)
        {
            _ignored.Add($"line {line}: {_host.Sent.Count} packets that no line follows");
        }
        else if (_host.Sent.TryPeek(out var packet))
        {
            throw new ScenarioFailedException(line, "no packet after this", $"{_comparison.Describe(packet)} at {At(packet.Time)}");
        }
    }

    private static string At(Instant time) => (time - StackUnderTest.Start).TotalSeconds.ToString("0.000000", System.Globalization.CultureInfo.InvariantCulture);
}

using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Answers SYNs without keeping anything while too many handshakes are open, and makes the connection of the ACK that
/// comes back (RFC 4987 §3.6). No SYN-ACK of this kind is sent again: the client's SYN is.
/// </summary>
internal sealed class SynCookies
{
    private readonly EndpointFactory _factory;
    private readonly Transmitter _transmitter;
    private readonly Dictionary<TcpSettings, TcpHeader> _templates = new(ReferenceEqualityComparer.Instance);
    private HashKey _key;
    private HashKey _previousKey;
    private Instant _acceptUntil;

    public SynCookies(StackOptions options, EndpointFactory factory, Transmitter transmitter)
    {
        _factory = factory;
        _transmitter = transmitter;
        _key = _previousKey = options.Keys.Cookie;
    }

    /// <summary>SYNs answered by a cookie.</summary>
    public long Sent { get; private set; }

    /// <summary>Connections made of a cookie that came back.</summary>
    public long Accepted { get; private set; }

    /// <summary>Acknowledgments that claimed a cookie and had none, or one too old.</summary>
    public long Refused { get; private set; }

    /// <summary>New cookies are made with another key; those out there hold until the next change.</summary>
    public void ChangeKey(HashKey key) => (_key, _previousKey) = (key, _key);

    /// <summary>Answers a SYN and forgets it.</summary>
    public DropReason Answer(Instant now, in Flow flow, in TcpHeader syn, TcpSettings settings)
    {
        var tuple = flow.Tuple;
        var template = TemplateOf(settings, now);
        var offered = syn.Options;
        var answer = new TcpHeader
        {
            SourcePort = tuple.LocalPort,
            DestinationPort = tuple.RemotePort,
            Sequence = SynCookie.Encode(_key, tuple, syn.Sequence, offered.Mss ?? settings.DefaultPeerMss, now),
            Acknowledgment = syn.Sequence + 1,
            Flags = TcpFlags.Syn | TcpFlags.Ack,
            Window = template.Window,
        };
        var options = new TcpOptions { Mss = template.Options.Mss };
        if (offered.HasTimestamps && template.Options.HasTimestamps)
        {
            // Only what the echoed timestamp can tell us again is agreed on.
            bool ecn = template.Has(TcpFlags.Ece) && syn.Has(TcpFlags.Ece) && syn.Has(TcpFlags.Cwr);
            options.WindowScale = offered.WindowScale is null ? null : template.Options.WindowScale;
            options.SackPermitted = offered.SackPermitted && template.Options.SackPermitted;
            options.HasTimestamps = true;
            options.TimestampValue = SynCookie.EncodeOptions(Clock(tuple, now), offered, ecn);
            options.TimestampEcho = offered.TimestampValue;
            answer.Flags |= ecn ? TcpFlags.Ece : 0;
        }

        answer.Options = options;
        _acceptUntil = now + 2 * SynCookie.Period;
        return Send(now, tuple, answer);
    }

    /// <summary>
    /// The connection of an acknowledgment that brings a cookie back, as if its SYN had been kept; it has still to be
    /// given that segment. Null when it brings none; only while cookies are about is that looked at.
    /// </summary>
    public TcpConnection? TryAccept(Instant now, in Flow flow, in TcpHeader segment, TcpSettings settings)
    {
        if (now >= _acceptUntil || (segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst)) != TcpFlags.Ack)
        {
            return null;
        }

        var tuple = flow.Tuple;
        var irs = segment.Sequence - 1;
        var iss = segment.Acknowledgment - 1;
        if (!SynCookie.TryDecode(_key, tuple, irs, iss, now, out ushort mss)
            && !SynCookie.TryDecode(_previousKey, tuple, irs, iss, now, out mss))
        {
            Refused++;
            return null;
        }

        var syn = new TcpHeader
        {
            SourcePort = segment.SourcePort,
            DestinationPort = segment.DestinationPort,
            Sequence = irs,
            Flags = TcpFlags.Syn,
            Window = segment.Window,
            Options = OptionsOf(segment, mss, out bool ecn),
        };
        syn.Flags |= ecn ? TcpFlags.Ece | TcpFlags.Cwr : 0;

        // The SYN-ACK left at a time that nobody noted. A third of the first timeout ago makes of this handshake a
        // measurement after which the timeout is what it would be without one (RFC 6298 §2.2: R + 4 R/2).
        var connection = _factory.Accept(tuple, syn, settings, now - settings.InitialRto / 3, iss);
        connection.TryEmit(now - settings.InitialRto / 3, 0, out _);
        Accepted++;
        return connection;
    }

    private static TcpOptions OptionsOf(in TcpHeader segment, ushort mss, out bool ecn)
    {
        var options = new TcpOptions { Mss = mss };
        ecn = false;
        if (segment.Options.HasTimestamps)
        {
            SynCookie.DecodeOptions(segment.Options.TimestampEcho, ref options, out ecn);
            options.HasTimestamps = true;
            options.TimestampValue = segment.Options.TimestampValue;
        }

        return options;
    }

    /// <summary>The timestamp clock that the flow's connection would have.</summary>
    private uint Clock(in FourTuple tuple, Instant now) => (uint)(now.Ticks / TimeSpan.TicksPerMillisecond) + _factory.TimestampOffset(tuple);

    /// <summary>How these settings answer a SYN that offers everything: what of it stands in all their SYN-ACKs.</summary>
    private TcpHeader TemplateOf(TcpSettings settings, Instant now)
    {
        if (!_templates.TryGetValue(settings, out var header))
        {
            var syn = new TcpHeader
            {
                Flags = TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr,
                Window = ushort.MaxValue,
                Options = new TcpOptions { Mss = 1460, WindowScale = 7, SackPermitted = true, HasTimestamps = true },
            };
            var connection = _factory.Accept(default, syn, settings, now, default(SeqNum));
            connection.TryEmit(now, 0, out var emission);
            header = emission.Header;
            connection.Release();
            if (_templates.Count < MaxTemplates)
            {
                _templates.Add(settings, header);
            }
        }

        return header;
    }

    // Two families of own addresses and of each service with settings of its own, and a few MTUs.
    private const int MaxTemplates = 256;

    private DropReason Send(Instant now, in FourTuple tuple, in TcpHeader answer)
    {
        int ipHeader = IpHeader.Length(tuple.RemoteAddress);
        if (!_transmitter.TryRent(ipHeader + answer.Length, out var buffer))
        {
            return DropReason.SendQueueFull;
        }

        var packet = Transmitter.Packet(buffer);
        IpHeader.Write(packet, tuple.LocalAddress, tuple.RemoteAddress, IpProtocol.Tcp, answer.Length);
        var header = packet[ipHeader..];
        answer.Write(header);
        TcpChecksum.Write(header, TcpChecksum.Compute(tuple.LocalAddress, tuple.RemoteAddress, header));
        var reason = _transmitter.Send(now, buffer, tuple.RemoteAddress);
        Sent += reason == DropReason.None ? 1 : 0;
        return reason;
    }
}

using Baton.Wire;

namespace Baton.Tcp.Tests;

/// <summary>
/// One connection against a hand-written peer, in virtual time. Sequence numbers are relative: 0 is the SYN of their
/// direction. <c>In</c> injects a segment of the peer, <see cref="Out"/> expects the next one of ours, and
/// <see cref="At"/> lets time pass to so many milliseconds, failing when something unexpected was emitted meanwhile.
/// </summary>
internal sealed class Script
{
    public static readonly SeqNum OurIss = new(0xFFFF_F000);
    public static readonly SeqNum PeerIss = new(5000);
    public static readonly FourTuple Tuple = new(
        InetAddress.Parse("198.51.100.101"), 80, InetAddress.Parse("203.0.113.2"), 4711);

    private readonly Queue<Sent> _sent = new();
    private readonly TcpSettings _settings;
    private TcpConnection? _connection;
    private long _written;

    public Script(TcpSettings? settings = null)
    {
        _settings = settings ?? TcpSettings.Default with { Timestamps = false };
    }

    public TcpConnection Connection => _connection ?? throw new InvalidOperationException("no connection yet");

    public Instant Now { get; private set; } = Instant.Zero + TimeSpan.FromSeconds(1000);

    public TcpDisposition LastDisposition { get; private set; }

    /// <summary>Largest payload of one emission.</summary>
    public int MaxSegment { get; set; } = 1460;

    /// <summary>The next TSval that the peer sends; null: no timestamps.</summary>
    public uint? PeerClock { get; set; }

    public static byte Pattern(long position) => (byte)(position * 31 >> 3 ^ position);

    public static byte[] PatternBytes(long position, int length)
    {
        var bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = Pattern(position + i);
        }

        return bytes;
    }

    public static Script Established(TcpSettings? settings = null, ushort window = 65535, byte? scale = null, ushort mss = 1460, bool sack = false)
    {
        var s = new Script(settings);
        s.In("S", 0, window: window, mss: mss, scale: scale, sack: sack);
        s.Out("S.", 0, ack: 1);
        s.In(".", 1, ack: 1, window: window);
        s.OutNothing();
        Assert.Equal(TcpState.Established, s.Connection.State);
        s.Connection.TakeEvents();
        return s;
    }

    public Script Connect()
    {
        _connection = TcpConnection.Connect(_settings, Tuple, OurIss, 0, Now);
        Drain();
        return this;
    }

    public Script In(
        string flags, long seq, long? ack = null, int len = 0, ushort window = 65535, ushort? mss = null, byte? scale = null,
        bool sack = false, (long From, long To)[]? blocks = null, uint? tsval = null, uint tsecr = 0)
    {
        var options = new TcpOptions { Mss = mss, WindowScale = scale, SackPermitted = sack };
        if ((tsval ?? PeerClock) is { } clock)
        {
            options.HasTimestamps = true;
            options.TimestampValue = clock;
            options.TimestampEcho = tsecr;
        }

        foreach (var (from, to) in blocks ?? [])
        {
            options.TryAddSack(new(OurIss + (uint)from, OurIss + (uint)to));
        }

        var header = new TcpHeader
        {
            SourcePort = Tuple.RemotePort,
            DestinationPort = Tuple.LocalPort,
            Sequence = PeerIss + (uint)seq,
            Acknowledgment = OurIss + (uint)(ack ?? 0),
            Flags = Parse(flags),
            Window = window,
            Options = options,
        };
        if (_connection is null)
        {
            _connection = TcpConnection.Accept(_settings, Tuple, header, OurIss, 0, Now);
        }
        else
        {
            LastDisposition = _connection.OnSegment(Now, header, PatternBytes(seq, len));
        }

        Drain();
        return this;
    }

    public Script In(TcpDisposition expected, string flags, long seq, long? ack = null, int len = 0, ushort window = 65535, uint? tsval = null)
    {
        In(flags, seq, ack, len, window, tsval: tsval);
        Assert.Equal(expected, LastDisposition);
        return this;
    }

    /// <summary>Expects the next emission; what is left out is not compared.</summary>
    public Sent Out(string flags, long? seq = null, long? ack = null, int? len = null, int? window = null, (long From, long To)[]? blocks = null)
    {
        Assert.True(_sent.TryDequeue(out var sent), $"expected {flags} seq {seq} len {len}, nothing was emitted");
        Assert.True(Parse(flags) == (sent.Header.Flags & ~TcpFlags.Psh) || Parse(flags) == sent.Header.Flags, $"expected {flags}, got {sent}");
        Compare(seq, sent.Seq, "seq", sent);
        Compare(ack, sent.Ack, "ack", sent);
        Compare(len, sent.Payload.Length, "len", sent);
        Compare(window, sent.Header.Window, "window", sent);
        if (blocks is not null)
        {
            Assert.Equal(blocks, sent.Blocks);
        }

        if (sent.Payload.Length > 0)
        {
            Assert.Equal(PatternBytes(sent.Seq, sent.Payload.Length), sent.Payload);
        }

        return sent;
    }

    public Script OutNothing()
    {
        Assert.True(_sent.Count == 0, $"unexpected: {(_sent.Count > 0 ? _sent.Peek() : null)}");
        return this;
    }

    public List<Sent> OutAll()
    {
        var all = _sent.ToList();
        _sent.Clear();
        return all;
    }

    /// <summary>Whether nothing can be emitted yet: more of one burst is to come.</summary>
    public bool InBurst { get; set; }

    /// <summary>Lets time pass to <paramref name="milliseconds"/> after the script's start, serving deadlines on the way.</summary>
    public Script At(double milliseconds)
    {
        var end = Instant.Zero + TimeSpan.FromSeconds(1000) + TimeSpan.FromMilliseconds(milliseconds);
        while (Connection.NextDeadline <= end)
        {
            Now = Instant.Max(Now, Connection.NextDeadline);
            Connection.OnDeadline(Now);
            Drain();
        }

        Now = end;
        return this;
    }

    /// <summary>Lets time pass to the next deadline, and says how long that was.</summary>
    public TimeSpan ToDeadline()
    {
        var before = Now;
        Assert.NotEqual(Instant.Never, Connection.NextDeadline);
        Now = Instant.Max(Now, Connection.NextDeadline);
        Connection.OnDeadline(Now);
        Drain();
        return Now - before;
    }

    public int Write(int length)
    {
        int written = Connection.Write(PatternBytes(1 + _written, length));
        _written += written;
        Drain();
        return written;
    }

    public byte[] Read(int length = int.MaxValue)
    {
        var bytes = new byte[Math.Min(length, Connection.ReadableBytes)];
        Assert.Equal(bytes.Length, Connection.Read(bytes));
        Drain();
        return bytes;
    }

    public Script Do(Action<TcpConnection> act)
    {
        act(Connection);
        Drain();
        return this;
    }

    /// <summary>The connection goes to another owner, whose clock and settings are its own.</summary>
    public Script Move(TimeSpan away = default)
    {
        Connection.Freeze(Now);
        var image = Connection.ToImage(Now);
        Connection.Release();
        Now += away;
        Assert.True(TcpConnection.TryRestore(image, _settings, Now, out _connection));
        Connection.Thaw(Now);
        Drain();
        return this;
    }

    private static TcpFlags Parse(string flags)
    {
        var parsed = TcpFlags.None;
        foreach (char c in flags)
        {
            parsed |= c switch
            {
                'S' => TcpFlags.Syn,
                'F' => TcpFlags.Fin,
                'R' => TcpFlags.Rst,
                'P' => TcpFlags.Psh,
                '.' => TcpFlags.Ack,
                'U' => TcpFlags.Urg,
                _ => throw new ArgumentException(flags),
            };
        }

        return parsed;
    }

    private static void Compare(long? expected, long actual, string what, Sent sent) =>
        Assert.True(expected is null || expected == actual, $"expected {what} {expected}, got {sent}");

    private void Drain()
    {
        while (!InBurst && _connection!.TryEmit(Now, MaxSegment, out var emission))
        {
            var payload = new byte[emission.PayloadLength];
            emission.Payload.CopyTo(payload);
            emission.MorePayload.CopyTo(payload.AsSpan(emission.Payload.Length));
            _sent.Enqueue(new(emission.Header, payload, emission.SegmentSize));
        }
    }

    /// <summary>An emitted segment.</summary>
    internal sealed record Sent(TcpHeader Header, byte[] Payload, int SegmentSize)
    {
        public int Seq => Header.Sequence - OurIss;

        public int Ack => Header.Has(TcpFlags.Ack) ? Header.Acknowledgment - PeerIss : 0;

        public (long From, long To)[] Blocks =>
            [.. Enumerable.Range(0, Header.Options.SackCount).Select(i => ((long)(Header.Options[i].Left - PeerIss), (long)(Header.Options[i].Right - PeerIss)))];

        public override string ToString() => $"{Header.Flags} seq {Seq} ack {Ack} len {Payload.Length} window {Header.Window}";
    }
}

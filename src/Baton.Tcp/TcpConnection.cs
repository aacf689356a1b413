using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// One TCP connection (RFC 9293) as a machine that is driven: it has no clock, thread or I/O, and is called from one
/// thread.
/// </summary>
/// <remarks>
/// Order of calls: inputs (<see cref="OnSegment"/>, <see cref="OnDeadline"/>, the application's calls) in any order, with
/// times that never go back; after inputs <see cref="TryEmit"/> until it returns false, also when the connection has
/// closed, since a RST may be due; then <see cref="NextDeadline"/> says when to call <see cref="OnDeadline"/>, and
/// <see cref="TakeEvents"/> what happened. Between <see cref="Freeze"/> and <see cref="Thaw"/> nothing has an effect.
/// </remarks>
public sealed class TcpConnection
{
    /// <summary>IPv4 paths are not believed to carry less than this (RFC 1191's attack, RFC 5927 §7).</summary>
    private const int MinPathMtuV4 = 552;

    /// <summary>What most IPv4 paths carry, without headers (RFC 4821 §7.2).</summary>
    private const int BaseMssV4 = 1024;

    /// <summary>The IPv6 minimum MTU (RFC 8200 §5).</summary>
    private const int MinPathMtuV6 = 1280;

    [InSnapshot(nameof(TcpSnapshot.State))]
    private Phase _phase;

    [NotInSnapshot("a closed connection does not move")]
    private TcpCloseReason _closeReason;

    [NotInSnapshot("the new owner's application is told anew")]
    private TcpEvents _events;

    [NotInSnapshot("the new owner's application is told that it may write")]
    private bool _writerWaits;

    [NotInSnapshot("the new owner's memory is charged there")]
    private int _charged;

    [NotInSnapshot("a move thaws it")]
    private Instant _frozenAt = Instant.Never;

    [InSnapshot(nameof(TcpSnapshot.NobodyReads))]
    private bool _nobodyReads;

    [NotInSnapshot("a counter of this owner")]
    private long _segmentsReceived;

    [NotInSnapshot("a counter of this owner")]
    private long _segmentsSent;

    [NotInSnapshot("a counter of this owner")]
    private long _bytesReceived;

    [NotInSnapshot("a counter of this owner")]
    private long _bytesSent;

    [NotInSnapshot("its parts are listed at Handshake")]
    private Handshake _handshake;

    [NotInSnapshot("its parts are listed at KeepAlive")]
    private KeepAlive _keepAlive;

    [NotInSnapshot("its parts are listed at Ecn")]
    private Ecn _ecn;

    [NotInSnapshot("its parts are listed at FastOpen")]
    private FastOpen? _fastOpen;

    internal TcpConnection(TcpSettings settings, FourTuple tuple, Phase phase, SeqNum iss, uint timestampOffset, bool passive)
    {
        Tuple = tuple;
        _phase = phase;
        Sender = new(settings, iss);
        Receiver = new(settings, timestampOffset);
        _handshake = new(settings, passive);
    }

    /// <summary>A connection in SYN-RECEIVED, for a SYN that a listener got; it emits the SYN-ACK.</summary>
    /// <param name="settings">Limits and times.</param>
    /// <param name="tuple">Addresses and ports; local is this side.</param>
    /// <param name="syn">The peer's SYN.</param>
    /// <param name="iss">The initial send sequence number, chosen by RFC 6528.</param>
    /// <param name="timestampOffset">Added to the timestamp clock, chosen by RFC 7323 §5.4's advice.</param>
    /// <param name="now">The time.</param>
    /// <param name="ecn">The ECN field of the SYN's packet, see <see cref="EcnCodepoint"/>.</param>
    public static TcpConnection Accept(
        TcpSettings settings, FourTuple tuple, in TcpHeader syn, SeqNum iss, uint timestampOffset, Instant now, byte ecn = EcnCodepoint.NotCapable)
    {
        var connection = new TcpConnection(settings, tuple, Phase.SynReceived, iss, timestampOffset, passive: true);
        connection.OnSyn(now, in syn, ecn);
        connection.OnHeard(now);
        return connection;
    }

    /// <summary>A connection in SYN-SENT; it emits the SYN.</summary>
    public static TcpConnection Connect(TcpSettings settings, FourTuple tuple, SeqNum iss, uint timestampOffset, Instant now)
    {
        var connection = new TcpConnection(settings, tuple, Phase.SynSent, iss, timestampOffset, passive: false);
        connection.OnHeard(now);
        return connection;
    }

    /// <summary>
    /// Before anything is emitted: our SYN asks for a cookie (RFC 7413), or brings one and as much of what is written as fits.
    /// </summary>
    /// <param name="cookie">The peer's cookie for us; one without bytes asks for one.</param>
    /// <param name="peerMss">The MSS that the peer announced when it gave the cookie (§4.1.3); 0 for the least there can be.</param>
    public void OpenFast(FastOpenCookie cookie, int peerMss)
    {
        if (State == TcpState.SynSent && Handshake.SynDue && Sender.Nxt == 0)
        {
            _fastOpen = new() { Cookie = cookie, PeerMss = peerMss > 0 ? peerMss : Settings.DefaultPeerMss };
        }
    }

    /// <summary>
    /// In SYN-RECEIVED, before anything is emitted: what a listener that does TCP Fast Open makes of the SYN (RFC 7413 §4.2.2).
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="syn">The SYN.</param>
    /// <param name="grant">The cookie for the SYN-ACK, or null for none.</param>
    /// <param name="opens">Whether the SYN brought a cookie of ours: its text is taken, and ours need not wait for the ACK.</param>
    /// <param name="text">The SYN's text.</param>
    public void AcceptFast(Instant now, in TcpHeader syn, FastOpenCookie? grant, bool opens, ReadOnlySpan<byte> text)
    {
        _fastOpen = new() { Cookie = grant, Opens = opens, Outcome = opens && !text.IsEmpty ? FastOpenOutcome.Accepted : FastOpenOutcome.None };
        if (!opens)
        {
            return;
        }

        Sender.OpenFast(syn.Window);
        Receiver.Window.Announce(next: 1, read: 1, unscaled: true);
        if (!text.IsEmpty)
        {
            var disposition = Receiver.OnText(now, 1, text, fin: false, Sender.Mss, Settings, ref Timers);
            OnReceived(now, ReadableBytes, disposition);
            ChargeMemory();
        }

        Raise(TcpEvents.Established | TcpEvents.Writable);
    }

    /// <summary>
    /// A frozen connection from an image; <see cref="Thaw"/> starts it. False, with no exception, when the image is of
    /// another version, damaged, or claims more than the limits allow.
    /// </summary>
    /// <param name="image">What <see cref="ToImage(Instant)"/> gave; not kept.</param>
    /// <param name="settings">The new owner's limits and times.</param>
    /// <param name="now">The new owner's time.</param>
    /// <param name="copiedAhead">The bytes that the image leaves out, or nothing.</param>
    /// <param name="connection">The connection.</param>
    public static bool TryRestore(
        ReadOnlyMemory<byte> image, TcpSettings settings, Instant now, in CopiedAhead copiedAhead,
        [NotNullWhen(true)] out TcpConnection? connection)
    {
        connection = null;
        return TcpSnapshotCodec.TryRead(image, out var snapshot)
            && TcpSnapshotMapping.TryRestore(snapshot, copiedAhead, settings, now, out connection);
    }

    /// <summary>A frozen connection from a complete image.</summary>
    [OverloadResolutionPriority(1)]
    public static bool TryRestore(
        ReadOnlyMemory<byte> image, TcpSettings settings, Instant now, [NotNullWhen(true)] out TcpConnection? connection) =>
        TryRestore(image, settings, now, default, out connection);

    /// <summary>A frozen connection from a complete image that the caller does not hold as memory: one more copy.</summary>
    public static bool TryRestore(
        ReadOnlySpan<byte> image, TcpSettings settings, Instant now, [NotNullWhen(true)] out TcpConnection? connection) =>
        TryRestore(image.ToArray().AsMemory(), settings, now, default, out connection);

    /// <summary>
    /// A frozen connection in TIME-WAIT from what <see cref="ToResidue"/> gave: it answers the peer as the whole one would.
    /// False, with no exception, when the bytes are none.
    /// </summary>
    /// <param name="residue">The bytes; not kept.</param>
    /// <param name="tuple">Addresses and ports.</param>
    /// <param name="settings">The new owner's limits and times; TIME-WAIT lasts no longer than they say.</param>
    /// <param name="now">The new owner's time.</param>
    /// <param name="connection">The connection.</param>
    public static bool TryRestoreResidue(
        ReadOnlySpan<byte> residue, in FourTuple tuple, TcpSettings settings, Instant now, [NotNullWhen(true)] out TcpConnection? connection)
    {
        connection = null;
        return TcpResidue.TryRead(residue, out var read) && read.TryRestore(tuple, settings, now, out connection);
    }

    /// <summary>Addresses and ports; local is this side.</summary>
    [field: InSnapshot(nameof(TcpSnapshot.Tuple))]
    public FourTuple Tuple { get; }

    /// <summary>Limits and times of the present owner.</summary>
    public TcpSettings Settings => Sender.Settings;

    /// <summary>The state.</summary>
    public TcpState State => _phase.State;

    /// <summary>Why the connection is closed.</summary>
    public TcpCloseReason CloseReason => _closeReason;

    /// <summary>Whether both SYNs are acknowledged.</summary>
    public bool IsSynchronized => _phase.IsSynchronized;

    /// <summary>What became of TCP Fast Open.</summary>
    public FastOpenOutcome FastOpenOutcome => _fastOpen?.Outcome ?? FastOpenOutcome.None;

    /// <summary>Whether our SYN brings a cookie of the peer's, so that text may go with it.</summary>
    public bool HasFastOpenCookie => State == TcpState.SynSent && _fastOpen?.Cookie is { Length: > 0 };

    /// <summary>Whether the SYN brought a cookie of ours, so that the application need not wait for the handshake's end.</summary>
    public bool OpenedFast => _fastOpen?.Opens ?? false;

    /// <summary>The cookie that the peer's SYN-ACK gave for the next time, or null.</summary>
    public FastOpenCookie? GrantedCookie => _fastOpen?.Granted;

    /// <summary>The MSS that the peer announced.</summary>
    public int PeerMss => Handshake.PeerMss;

    /// <summary>Whether the connection is frozen.</summary>
    public bool IsFrozen => _frozenAt != Instant.Never;

    /// <summary>Whether small segments wait for no ACK (no Nagle).</summary>
    public bool NoDelay { get => Sender.NoDelay; set => Sender.NoDelay = value; }

    /// <summary>The congestion control; another one goes on from the window that there is.</summary>
    public CongestionAlgorithm Congestion { get => Sender.Algorithm; set => Sender.ChangeCongestion(value); }

    /// <summary>See <see cref="TcpSettings.UserTimeout"/>, for this connection; it moves with it.</summary>
    public TimeSpan UserTimeout
    {
        get => Sender.Options?.UserTimeout ?? TimeSpan.Zero;
        set
        {
            if (value != UserTimeout)
            {
                Sender.NeedOptions().UserTimeout = value;
            }
        }
    }

    /// <summary>See <see cref="TcpSettings.Linger"/>, for this connection; it moves with it.</summary>
    public TimeSpan? Linger
    {
        get => Sender.Options?.Linger;
        set
        {
            if (value != Linger)
            {
                Sender.NeedOptions().Linger = value;
            }
        }
    }

    /// <summary>
    /// Whether only full-size segments go, so that what is written in parts leaves as one (TCP_CORK). What is left waits for
    /// more until this is false, a FIN follows, or it is the only thing for <see cref="TcpSettings.SillyWindowOverride"/>.
    /// </summary>
    public bool Corked
    {
        get => Sender.Options?.Corked ?? false;
        set
        {
            if (value != Corked)
            {
                Sender.NeedOptions().Corked = value;
            }
        }
    }

    /// <summary>See <see cref="TcpSettings.NotSentLimit"/>, for this connection; it moves with it.</summary>
    public int NotSentLimit
    {
        get => Sender.Options?.NotSentLimit ?? 0;
        set
        {
            if (value != NotSentLimit)
            {
                Sender.NeedOptions().NotSentLimit = Math.Max(0, value);
            }
        }
    }

    /// <summary>The sequence numbers.</summary>
    public SequenceGroup Sequence => new(
        Sender.Iss, Receiver.Irs, Sender.SequenceAt(Sender.Una), Sender.SequenceAt(Sender.Nxt), Receiver.Acknowledgment);

    /// <summary>What the connection has seen at this owner.</summary>
    public TcpCounters Counters => Sender.IncidentCounts with
    {
        SegmentsReceived = _segmentsReceived, SegmentsSent = _segmentsSent, BytesReceived = _bytesReceived, BytesSent = _bytesSent,
    };

    /// <summary>Measurements, windows and queues, for listings.</summary>
    public TcpStatistics Statistics => TcpStatistics.Of(this);

    /// <summary>When <see cref="OnDeadline"/> is to be called; never while frozen.</summary>
    public Instant NextDeadline => IsFrozen || State == TcpState.Closed ? Instant.Never : Instant.Min(Timers.Next, Sender.WakeAt);

    /// <summary>Bytes that can be written now.</summary>
    public int WriteCapacity => _phase.MayWrite && !IsFrozen ? Math.Min(Math.Max(0, Settings.SendBufferLimit - Sender.Queue.Length), Math.Max(0, WriteBound - Sender.UnsentBytes)) : 0;

    /// <summary>Bytes written and not acknowledged.</summary>
    public int SendQueueBytes => Sender.Queue.Length;

    /// <summary>Bytes that can be read now; also after the connection has closed normally.</summary>
    public int ReadableBytes => Receiver.Queue.Readable;

    /// <summary>Whether the peer's FIN came and everything before it was read.</summary>
    public bool ReadCompleted => Receiver.FinReceived && ReadableBytes == 0;

    /// <summary>The objects that each segment needs besides this one, for who brings them near before (never to be used).</summary>
    public (object Sender, object Receiver) Parts => (Sender, Receiver);

    [field: NotInSnapshot("its parts are listed at Sender")]
    internal Sender Sender { get; }

    [field: NotInSnapshot("its parts are listed at Receiver")]
    internal Receiver Receiver { get; }

    internal ref TimerTable Timers => ref Sender.Timers;

    internal ref Handshake Handshake => ref _handshake;

    internal ref KeepAlive KeepAlive => ref _keepAlive;

    internal ref ChallengeLimit Challenges => ref Sender.Incidents.Challenges;

    internal Phase Phase => _phase;

    internal bool NobodyReads => _nobodyReads;

    /// <summary>The counts of what is out of the ordinary: there from the first such thing on.</summary>
    internal ref TcpCounters Count => ref Sender.Incidents.Counts;

    internal ref Ecn Ecn => ref _ecn;

    internal FastOpen? FastOpen => _fastOpen;

    /// <summary>A segment of this connection arrived, its checksum verified (RFC 9293 §3.10.7).</summary>
    /// <param name="now">The time.</param>
    /// <param name="header">The header.</param>
    /// <param name="payload">What follows it.</param>
    /// <param name="ecn">The ECN field of the packet, see <see cref="EcnCodepoint"/>.</param>
    public TcpDisposition OnSegment(Instant now, in TcpHeader header, ReadOnlySpan<byte> payload, byte ecn = EcnCodepoint.NotCapable)
    {
        if (IsFrozen)
        {
            return TcpDisposition.Frozen;
        }

        _segmentsReceived++;
        var disposition = _phase.OnSegment(this, now, in header, payload, ecn);
        switch (disposition)
        {
            case TcpDisposition.Accepted:
                if (_ecn.OnReceived(in header, ecn, !payload.IsEmpty))
                {
                    Receiver.Acks.Now();
                }

                OnHeard(now);
                break;
            case TcpDisposition.Duplicate:
                Count.SegmentsDuplicate++;
                OnHeard(now);
                break;
            default:
                Count.SegmentsDropped++;
                break;
        }

        ChargeMemory();
        return disposition;
    }

    /// <summary>
    /// An ICMP error about one of our segments. Only one that quotes a segment in flight counts (RFC 5927 §4.1); while
    /// connecting it closes, later it is a hint that changes nothing (RFC 5461).
    /// </summary>
    public void OnIcmpError(Instant now, TcpIcmpError error, SeqNum quotedSequence)
    {
        if (!IsFrozen && error != TcpIcmpError.TooBig && IsInFlight(quotedSequence) && !IsSynchronized && State != TcpState.Closed)
        {
            CloseWith(error == TcpIcmpError.Prohibited ? TcpCloseReason.Refused : TcpCloseReason.Unreachable);
        }
    }

    /// <summary>The path carries IP packets of at most <paramref name="mtu"/> bytes (RFC 1191, RFC 8201); same condition as <see cref="OnIcmpError"/>.</summary>
    public void OnPathMtu(Instant now, int mtu, SeqNum quotedSequence)
    {
        bool v4 = Tuple.RemoteAddress.IsV4;
        int usable = Math.Max(mtu, v4 ? MinPathMtuV4 : MinPathMtuV6) - (v4 ? 20 : 40) - TcpHeader.MinLength;
        if (!IsFrozen && IsInFlight(quotedSequence) && Handshake.OnPathMss(usable))
        {
            Sender.OnSmallerPath(Handshake.EffectiveMss(Receiver));
            Sender.Search?.OnTold(Sender.Mss);
        }
    }

    /// <summary>Time has come to <see cref="NextDeadline"/>; earlier calls do nothing.</summary>
    public void OnDeadline(Instant now)
    {
        if (!IsFrozen && State != TcpState.Closed && Timers.Next <= now)
        {
            TimerExpiry.Run(this, now);
        }
    }

    /// <summary>The next segment to send, if any.</summary>
    /// <param name="now">The time.</param>
    /// <param name="maxSegmentBytes">Most payload of one emission: anything below two segments asks for single ones.</param>
    /// <param name="emission">The segment; its spans are valid until the next call on this connection.</param>
    public bool TryEmit(Instant now, int maxSegmentBytes, out TcpEmission emission)
    {
        if (IsFrozen)
        {
            emission = default;
            return false;
        }

        bool emitted = SegmentDeparture.TryEmit(this, now, maxSegmentBytes, out emission);
        OfferRoom();
        return emitted;
    }

    /// <summary>What happened since the last call.</summary>
    public TcpEvents TakeEvents()
    {
        var events = _events;
        _events = TcpEvents.None;
        return events;
    }

    /// <summary>Queues bytes to send, and says how many; fewer than given when the queue is full, none after a close.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, WriteCapacity);
        _writerWaits |= count < bytes.Length;
        if (count > 0)
        {
            Sender.Queue.Write(bytes[..count]);
            ChargeMemory();
        }

        return count;
    }

    /// <summary>Takes memory for so many bytes that are about to be written, as far as there is room for them.</summary>
    public void ReserveToSend(int bytes)
    {
        int count = Math.Min(bytes, WriteCapacity);
        if (count > 0)
        {
            Sender.Queue.Reserve(count);
            ChargeMemory();
        }
    }

    /// <summary>Takes received bytes, and says how many.</summary>
    public int Read(Span<byte> destination)
    {
        if (IsFrozen)
        {
            return 0;
        }

        int count = Receiver.Queue.Read(destination);
        OnRead();
        return count;
    }

    /// <summary>The readable bytes in place, without taking them.</summary>
    public void Peek(out ReadOnlySpan<byte> first, out ReadOnlySpan<byte> second) =>
        Receiver.Queue.Slice(Receiver.Queue.ReadPosition, ReadableBytes, out first, out second);

    /// <summary>Takes bytes seen with <see cref="Peek"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than are readable.</exception>
    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)ReadableBytes, nameof(count));
        if (!IsFrozen)
        {
            Receiver.Queue.Consume(count);
            OnRead();
        }
    }

    /// <summary>Closes our direction: a FIN follows what was written (RFC 9293 §3.10.4). The peer may still send.</summary>
    public void CloseWrite(Instant now)
    {
        if (IsFrozen || !_phase.MayWrite)
        {
            return;
        }

        if (_phase.OnCloseWrite() == Phase.Closed)
        {
            CloseWith(TcpCloseReason.Aborted);
            return;
        }

        Sender.Close();
        Enter(_phase.OnCloseWrite(), now);
    }

    /// <summary>
    /// Closes both directions: as <see cref="CloseWrite"/>, and nobody reads any more. Unread bytes, now or later, make it
    /// an abort (RFC 1122 §4.2.2.13), and so does a <see cref="Linger"/> of zero. It goes on without the application, but
    /// not for ever: see <see cref="TcpSettings.Linger"/> and <see cref="TcpSettings.StalledCloseTimeout"/>.
    /// </summary>
    public void Close(Instant now)
    {
        if (IsFrozen || State == TcpState.Closed)
        {
            return;
        }

        _nobodyReads = true;
        if (ReadableBytes > 0 || (Linger == TimeSpan.Zero && State != TcpState.TimeWait))
        {
            AbortWith(TcpCloseReason.Aborted);
            return;
        }

        CloseWrite(now);
        LimitClosing(now);
    }

    /// <summary>Closes at once; the peer is told by one RST (RFC 9293 §3.10.5).</summary>
    public void Abort(Instant now)
    {
        if (!IsFrozen && State != TcpState.Closed)
        {
            AbortWith(TcpCloseReason.Aborted);
        }
    }

    /// <summary>
    /// Other keep-alive times and queue limits hold from now on, at this owner. A receive queue cannot become longer than the
    /// SYNs' window scale allows for, and what was promised to the peer stays promised.
    /// </summary>
    public void Reconfigure(Instant now, TcpSettings settings)
    {
        Sender.Settings = Settings with
        {
            KeepAliveTime = settings.KeepAliveTime,
            KeepAliveInterval = settings.KeepAliveInterval,
            KeepAliveProbes = settings.KeepAliveProbes,
            SendBufferLimit = settings.SendBufferLimit,
            ReceiveBufferLimit = Math.Min(settings.ReceiveBufferLimit, Settings.ReceiveBufferLimit),
            ReceiveBufferStart = Math.Min(settings.ReceiveBufferStart, settings.ReceiveBufferLimit),
        };
        Receiver.Window.Resize(Math.Min(Receiver.Window.Capacity, Settings.ReceiveBufferLimit));
        if (State != TcpState.Closed)
        {
            KeepAlive.Reconfigure(Settings, now, ref Timers);
        }
    }

    /// <summary>From here on nothing is emitted and no time passes, until <see cref="Thaw"/>.</summary>
    public void Freeze(Instant now) => _frozenAt = IsFrozen ? _frozenAt : now;

    /// <summary>Goes on; timers have what remained of them.</summary>
    public void Thaw(Instant now)
    {
        if (IsFrozen)
        {
            Timers.Postpone(now - _frozenAt);
            Sender.Postpone(now - _frozenAt);
            _frozenAt = Instant.Never;
        }
    }

    /// <summary>After a move the peer is to hear from the new owner: one ACK with the window is due.</summary>
    public void KickAfterMove(Instant now)
    {
        if (IsSynchronized)
        {
            Receiver.Acks.Now();
        }
    }

    /// <summary>The connection as plain data; its bytes stay in place and are valid until the next call on this connection.</summary>
    public TcpSnapshot ToSnapshot(Instant now) => TcpSnapshotMapping.Take(this, IsFrozen ? _frozenAt : now);

    /// <summary>The connection as bytes.</summary>
    public byte[] ToImage(Instant now) => ToImage(now, long.MinValue, long.MinValue);

    /// <summary>The connection as bytes, without queued bytes below stream positions: they were copied ahead of the move.</summary>
    public byte[] ToImage(Instant now, long sendFrom, long receiveFrom) =>
        TcpSnapshotCodec.Write(TcpSnapshotMapping.WithoutBelow(ToSnapshot(now), sendFrom, receiveFrom));

    /// <summary>
    /// What of the connection answers the peer until TIME-WAIT has ended, in a few bytes; empty in another state, and while
    /// somebody may still read from it.
    /// </summary>
    public byte[] ToResidue(Instant now) => State == TcpState.TimeWait && NobodyReads ? TcpResidue.Of(this, now).ToBytes() : [];

    /// <summary>Gives the queues' memory back; the connection has moved or is not needed any more.</summary>
    public void Release()
    {
        Enter(Phase.Closed, default);
        Receiver.Queue.Release();
        if (Sender.KnownIncidents is { } incidents)
        {
            incidents.Reset = null;
        }
    }

    internal void OnSyn(Instant now, in TcpHeader syn, byte ecn)
    {
        Receiver.OnSyn(syn.Sequence);
        _ecn.OnSyn(Settings, in syn, repeated: Sender.Rtt.Expirations > 0, ecn);
        Handshake.OnSyn(now, in syn, Settings, Sender, Receiver);
    }

    internal void OnSynAcknowledged(Instant now)
    {
        Handshake.OnSynAcknowledged();
        if (Sender.InFlight && !Handshake.Passive)
        {
            // Not all of the SYN's text was taken: the rest goes again at once (RFC 7413 §4.2.1).
            Sender.OnEarlyTextLost();
        }

        Enter(_phase.OnSynAcknowledged(), now);
        Raise(TcpEvents.Established | TcpEvents.Writable);
    }

    /// <summary>SND.UNA advanced.</summary>
    internal void OnAcknowledged(Instant now)
    {
        if (Sender.FinAcknowledged)
        {
            Enter(_phase.OnFinAcknowledged(), now);
        }

        if (Linger is null)
        {
            LimitClosing(now);
        }

        if (Sender.Search?.OnAcknowledged(Sender.Una) is > 0 and int size)
        {
            Handshake.SetPathMss(size + (Receiver.Timestamps.On ? Handshake.TimestampsLength : 0));
            Sender.OnLargerPath(size);
        }

        OfferRoom();
    }

    /// <summary>Nothing came back for several timeouts: large segments may vanish on the path (RFC 4821 §7.7).</summary>
    internal void OnBlackHole()
    {
        bool v4 = Tuple.RemoteAddress.IsV4;
        int least = (v4 ? MinPathMtuV4 : MinPathMtuV6) - (v4 ? 20 : 40) - TcpHeader.MinLength;
        int initial = v4 ? BaseMssV4 : least;
        int before = Sender.Mss;
        int path = Math.Min(Handshake.PathMss, Handshake.PeerMss);
        
        // So little as the first step leaves nearly all paths carry: below it only after as many timeouts again.
        bool again = Sender.Rtt.Expirations >= 2 * Settings.BlackHoleTimeouts;
        int smaller = path > initial ? initial : again ? Math.Max(least, path / 2) : path;
        if (smaller >= path || Sender.Nxt - Sender.Una <= smaller)
        {
            return;
        }

        Count.BlackHoles++;
        Handshake.SetPathMss(smaller);
        Sender.Incidents.Search ??= new(before);
        Sender.Incidents.Search.OnTooLarge(before);
        Sender.OnSmallerPath(Handshake.EffectiveMss(Receiver));
    }

    /// <summary>The rings' memory is counted; that of a closed connection is its holder's.</summary>
    internal void ChargeMemory()
    {
        if (Settings.Memory is { } memory)
        {
            int bytes = State == TcpState.Closed ? 0 : Sender.Queue.Capacity + Receiver.Queue.Capacity;
            memory.Change(bytes - _charged);
            _charged = bytes;
        }
    }

    internal void OnReceived(Instant now, int readable, TcpDisposition disposition)
    {
        _bytesReceived += readable;
        if (readable > 0)
        {
            Raise(TcpEvents.Readable);
        }
        else if (disposition == TcpDisposition.Accepted && !Receiver.FinReceived)
        {
            Count.SegmentsOutOfOrder++;
        }

        if (Receiver.FinReceived)
        {
            Raise(TcpEvents.RemoteClosed);
            Enter(_phase.OnFinReceived(), now);
        }
    }

    internal void OnChallenge()
    {
        Count.ChallengeAcks++;
        Receiver.Acks.Now();
    }

    internal void OnEmitted(int bytes, bool again)
    {
        _segmentsSent++;
        _bytesSent += bytes;
        if (again)
        {
            Count.SegmentsRetransmitted++;
            Count.BytesRetransmitted += bytes;
        }
    }

    internal TcpHeader NewHeader(SeqNum sequence, TcpFlags flags) => new()
    {
        SourcePort = Tuple.LocalPort,
        DestinationPort = Tuple.RemotePort,
        Sequence = sequence,
        Flags = flags,
    };

    internal void RefuseAck(SeqNum sequence) => Sender.Incidents.Reset = NewHeader(sequence, TcpFlags.Rst);

    internal bool TryTakeReset(Instant now, out TcpHeader reset)
    {
        if (Sender.KnownIncidents is not { Reset: { } due } incidents)
        {
            reset = default;
            return false;
        }

        reset = due;
        incidents.Reset = null;
        if (Receiver.Timestamps.On)
        {
            // RFC 7323 §3.2: "TSopt […] SHOULD be sent in an <RST> segment".
            var options = reset.Options;
            Receiver.Timestamps.Write(ref options, now);
            reset.Options = options;
        }

        return true;
    }

    internal void AbortWith(TcpCloseReason reason)
    {
        // In CLOSING and LAST-ACK the RFC expects nothing to be left; what is unsent is lost, and the peer is to know.
        if (_phase.AbortSendsReset || (IsSynchronized && Sender.HasUnsent))
        {
            var reset = NewHeader(Sender.SequenceAt(Sender.Nxt), TcpFlags.Rst | TcpFlags.Ack);
            reset.Acknowledgment = Receiver.Acknowledgment;
            Sender.Incidents.Reset = reset;
        }

        CloseWith(reason);
    }

    internal void CloseWith(TcpCloseReason reason)
    {
        _closeReason = reason;
        Enter(Phase.Closed, default);
        if (reason != TcpCloseReason.Normal)
        {
            Receiver.Queue.Release();
        }
    }

    internal void Enter(Phase phase, Instant now)
    {
        if (phase == _phase)
        {
            return;
        }

        _phase = phase;
        switch (phase.State)
        {
            case TcpState.Closed:
                _closeReason = _closeReason == TcpCloseReason.None ? TcpCloseReason.Normal : _closeReason;
                Timers.StopAll();
                Sender.Release();
                Raise(TcpEvents.Closed);
                ChargeMemory();
                break;
            case TcpState.TimeWait:
                Timers.StopAll();
                Timers.Set(TimerKind.Linger, now + Settings.TimeWaitLength);
                Raise(TcpEvents.TimeWait);
                break;
            case TcpState.FinWait1 or TcpState.FinWait2 or TcpState.LastAck:
                LimitClosing(now);
                break;
        }
    }

    internal void RestorePhase(Phase phase, bool nobodyReads, Instant frozenAt)
    {
        (_phase, _nobodyReads, _frozenAt) = (phase, nobodyReads, frozenAt);
        Raise(TcpEvents.Established | TcpEvents.Writable
            | (ReadableBytes > 0 ? TcpEvents.Readable : 0) | (Receiver.FinReceived ? TcpEvents.RemoteClosed : 0));
    }

    /// <summary>Without an application a connection ends by itself, whatever the peer does.</summary>
    private void LimitClosing(Instant now)
    {
        switch (State)
        {
            case TcpState.FinWait2 when _nobodyReads:
                Timers.Set(TimerKind.Linger, now + Settings.FinWait2Length);
                break;
            case TcpState.FinWait1 or TcpState.Closing or TcpState.LastAck when _nobodyReads:
                Timers.Set(TimerKind.Linger, now + (Linger ?? Settings.StalledCloseTimeout));
                break;
        }
    }

    private void OnHeard(Instant now) => KeepAlive.OnHeard(now, Settings, ref Timers);

    private void Raise(TcpEvents events) => _events |= events;

    /// <summary>Bytes that may be written and not sent.</summary>
    private int WriteBound
    {
        get
        {
            int bound = NotSentLimit > 0 ? NotSentLimit : Settings.SendBufferLimit;
            return Settings.Memory is { IsExhausted: true }
                ? Math.Min(bound, Math.Max(0, QueueMemory.LeastSendQueue - Sender.Queue.Length + Sender.UnsentBytes))
                : bound;
        }
    }

    /// <summary>Whoever had to wait may write again once there is room for a quarter of what there can be: not for each ACK.</summary>
    private void OfferRoom()
    {
        if (_writerWaits && _phase.MayWrite && WriteCapacity >= Math.Max(1, Math.Min(Settings.SendBufferLimit, WriteBound) / 4))
        {
            _writerWaits = false;
            Raise(TcpEvents.Writable);
        }
    }

    private void OnRead()
    {
        ChargeMemory();
        if (_phase.ExpectsText && Receiver.Window.WorthAnUpdate(Receiver.Nxt, Receiver.Queue.ReadPosition, Handshake.PeerMss))
        {
            Receiver.Acks.Now();
        }
    }

    private bool IsInFlight(SeqNum sequence)
    {
        long position = Sender.PositionOf(sequence);
        return position >= Sender.Una && position < Sender.Nxt;
    }
}

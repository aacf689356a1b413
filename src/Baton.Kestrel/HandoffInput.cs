using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Baton.Kestrel.Tls;

namespace Baton.Kestrel;

/// <summary>Where a connection stands between what it carries.</summary>
internal enum ConnectionStage
{
    /// <summary>Between two HTTP/1.1 requests, or within the head of the next.</summary>
    Boundary,

    /// <summary>Within a request, from its head's end to its response's.</summary>
    Request,

    /// <summary>Upgraded to a WebSocket.</summary>
    WebSocket,

    /// <summary>A protocol without boundaries that are known here: TLS, HTTP/2, another upgrade. It stays.</summary>
    Opaque,

    /// <summary>Kestrel gets nothing more: the connection leaves.</summary>
    Parked,
}

/// <summary>
/// A connection's input as Kestrel sees it. When the connection is to move, the input ends for Kestrel at the next
/// boundary: between two requests, in the middle of a head (what Kestrel has taken of it goes along and is replayed), or
/// between two messages of a WebSocket. Whole frames only are released to a WebSocket, so that none is left in its buffer.
/// </summary>
internal sealed class HandoffInput : PipeReader
{
    /// <summary>A frame up to this length is released when it is whole, so that a slow client does not hold up a move.</summary>
    private const int WholeFrame = 64 << 10;

    // RFC 6455 §5.5.1: a masked Close frame with status 1012, as if the client had sent it.
    private static readonly byte[] s_farewell = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xF4];

    private readonly HandoffOutput _output;
    private readonly int _maxHead;
    private readonly bool _http2WebSockets;
    private readonly Action _onStays;
    private readonly ArrayBufferWriter<byte> _head = new(256);
    private readonly WebSocketFrames _frames = new();
    private volatile PipeReader _inner;
    private ReadOnlySequence<byte> _ahead;
    private ReadOnlySequence<byte> _shown;
    private Source _source;
    private bool _identified;
    private bool _headTooLong;
    private bool _resumes;
    private volatile Func<bool>? _mayLeave;
    private volatile bool _requested;
    private volatile bool _cancelled;

    /// <param name="inner">The connection's bytes.</param>
    /// <param name="output">The connection's output.</param>
    /// <param name="head">A request's head that Kestrel gets first; empty without one.</param>
    /// <param name="options">The transport's options.</param>
    /// <param name="onStays">Called when it turns out that the connection has no boundaries.</param>
    public HandoffInput(PipeReader inner, HandoffOutput output, ReadOnlyMemory<byte> head, BatonTransportOptions options, Action onStays)
    {
        _inner = inner;
        _output = output;
        _ahead = new ReadOnlySequence<byte>(head);
        _resumes = !head.IsEmpty;
        _maxHead = options.MaxReplaySize;
        _http2WebSockets = options.Http2WebSockets;
        _onStays = onStays;
        Stage = options.MoveConnections ? ConnectionStage.Boundary : ConnectionStage.Opaque;
    }

    /// <summary>Whose bytes Kestrel has before it.</summary>
    private enum Source
    {
        None,
        Connection,
        Ahead,
    }

    /// <summary>Where the connection stands.</summary>
    public ConnectionStage Stage { get; private set; }

    /// <summary>Where the bytes come from, for what looks at them before Kestrel does.</summary>
    public PipeReader Below => _inner;

    /// <summary>Whether Kestrel's input ended so that the connection leaves.</summary>
    public bool IsParked => Stage == ConnectionStage.Parked;

    /// <summary>The head of the request that runs, as the client sent it; empty when it was too long to keep.</summary>
    public ReadOnlyMemory<byte> Head => _headTooLong ? default : _head.WrittenMemory;

    private bool MayPark => _requested && !_resumes && !_headTooLong && Stage switch
    {
        ConnectionStage.Boundary => true,
        ConnectionStage.WebSocket => _frames.IsAtGap && !_frames.IsClosing && !_output.IsClosing && _mayLeave?.Invoke() != false,
        _ => false,
    };

    /// <summary>
    /// The connection is to move: at the next boundary the input ends. On the shard's thread, where Kestrel ends an idle connection,
    /// too: the handoff begins without a change of threads.
    /// </summary>
    public void RequestMove()
    {
        _requested = true;
        if (Stage == ConnectionStage.Boundary && _head.WrittenCount == 0)
        {
            LeavingScheduler.Cancel(_inner);
        }
        else
        {
            _inner.CancelPendingRead();
        }
    }

    /// <summary>Between messages of the WebSocket it leaves only if <paramref name="mayLeave"/>; that it may is said by <see cref="Wake"/>.</summary>
    public void LeaveOnlyIf(Func<bool> mayLeave) => _mayLeave = mayLeave;

    /// <summary>What kept the connection may have ended. From any thread.</summary>
    public void Wake()
    {
        if (_requested)
        {
            _inner.CancelPendingRead();
        }
    }

    /// <summary>From now on the connection's bytes come out of TLS.</summary>
    public void BeginTls(TlsInput tls)
    {
        _inner = tls;
        if (_requested)
        {
            tls.CancelPendingRead();
        }
    }

    /// <summary>The connection leaves before Kestrel has had any of it.</summary>
    public void Leave()
    {
        Stage = ConnectionStage.Parked;
        _output.DropAll();
    }

    /// <summary>A request's head has been read; its handler runs.</summary>
    public void BeginRequest()
    {
        if (Stage == ConnectionStage.Boundary)
        {
            Stage = ConnectionStage.Request;
        }
    }

    /// <summary>The request has been read to its end, and its handler has ended.</summary>
    public void EndRequest()
    {
        if (Stage == ConnectionStage.Request)
        {
            Stage = ConnectionStage.Boundary;
            _resumes = false;
            _headTooLong = false;
            _head.ResetWrittenCount();
        }
    }

    /// <summary>The connection carries WebSocket messages from now on.</summary>
    public void BeginWebSocket()
    {
        if (Stage == ConnectionStage.Request)
        {
            Stage = ConnectionStage.WebSocket;
            _resumes = false;
        }
    }

    /// <summary>The connection carries something without known boundaries from now on.</summary>
    public void BeginOpaque()
    {
        Stage = ConnectionStage.Opaque;
        _onStays();
    }

    /// <summary>Takes everything that Kestrel has not used, for whoever has the connection next.</summary>
    /// <param name="withHead">Whether the part of a head that Kestrel has used is to be read again.</param>
    public byte[] TakeUnread(bool withHead)
    {
        ReadOnlySpan<byte> head = withHead ? _head.WrittenSpan : [];
        byte[] left = _inner is TlsInput tls ? tls.TakeOpened() : TakeAll(_inner);

        // What a WebSocket has ahead of it when it leaves is our farewell, no word of the client's.
        var ahead = IsParked && _output.IsWebSocket ? default : _ahead;
        byte[] unread = [.. head, .. ahead.ToArray(), .. left];
        _inner.Complete();
        return unread;
    }

    /// <summary>Takes what a transport's reader has, looked at or not.</summary>
    public static byte[] TakeAll(PipeReader reader)
    {
        // What has been looked at is not shown again unless the read is cancelled.
        reader.CancelPendingRead();
        return reader.TryRead(out var result) ? result.Buffer.ToArray() : [];
    }

    /// <summary>The connection ends here: what is left is forgotten.</summary>
    public void Release() => _inner.Complete();

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (MayPark || IsParked)
            {
                return Park();
            }

            if (!_ahead.IsEmpty)
            {
                return Show(_ahead, Source.Ahead, isCompleted: false);
            }

            var result = await _inner.ReadAsync(cancellationToken);
            if (result.IsCanceled)
            {
                if (_cancelled)
                {
                    _cancelled = false;
                    _source = Source.Connection;
                    _shown = result.Buffer;
                    return result;
                }

                // A wish to move woke the read: whether it may be fulfilled is seen above.
                _inner.AdvanceTo(result.Buffer.Start);
                continue;
            }

            if (TryShow(result, out var shown))
            {
                return shown;
            }
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (MayPark || IsParked)
        {
            result = Park();
            return true;
        }

        if (!_ahead.IsEmpty)
        {
            result = Show(_ahead, Source.Ahead, isCompleted: false);
            return true;
        }

        return _inner.TryRead(out result) && TryShow(result, out result);
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_source == Source.None)
        {
            return;
        }

        var used = _shown.Slice(0, consumed);
        Record(used);
        if (_source == Source.Ahead)
        {
            _ahead = _ahead.Slice(consumed);
        }
        else
        {
            _inner.AdvanceTo(consumed, examined);
        }

        _source = Source.None;
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        _cancelled = true;
        _inner.CancelPendingRead();
    }

    /// <summary>Kestrel reads no more. What it has not used is kept until the connection's end is decided.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    private void Record(in ReadOnlySequence<byte> used)
    {
        switch (Stage)
        {
            case ConnectionStage.WebSocket when !used.IsEmpty && _source == Source.Connection:
                _frames.Pass(used.Length);
                break;
            case ConnectionStage.Boundary when _head.WrittenCount + used.Length > _maxHead:
                _headTooLong = true;
                _head.ResetWrittenCount();
                break;
            case ConnectionStage.Boundary when !_headTooLong:
                foreach (var part in used)
                {
                    _head.Write(part.Span);
                }

                break;
        }
    }

    private ReadResult Park()
    {
        bool first = Stage != ConnectionStage.Parked;
        bool isWebSocket = Stage == ConnectionStage.WebSocket;
        Stage = ConnectionStage.Parked;
        if (first && isWebSocket)
        {
            _output.DropClose();
            _ahead = new ReadOnlySequence<byte>(s_farewell);
        }
        else if (first)
        {
            _output.DropAll();
        }

        return _output.IsWebSocket && !_ahead.IsEmpty
            ? Show(_ahead, Source.Ahead, isCompleted: false)
            : Show(default, Source.None, isCompleted: true);
    }

    private ReadResult Show(in ReadOnlySequence<byte> bytes, Source source, bool isCompleted)
    {
        _shown = bytes;
        _source = source;
        return new ReadResult(bytes, isCanceled: false, isCompleted);
    }

    /// <summary>Shows what may be shown of the connection's bytes; waits for more when that is nothing.</summary>
    private bool TryShow(in ReadResult result, out ReadResult shown)
    {
        var bytes = result.Buffer;
        if (!_identified && !bytes.IsEmpty)
        {
            Identify(bytes);
        }

        if (Stage != ConnectionStage.WebSocket || bytes.IsEmpty || _frames.IsClosing)
        {
            shown = Show(bytes, Source.Connection, result.IsCompleted);
            return true;
        }

        if (_frames.IsAtFrame)
        {
            Span<byte> header = stackalloc byte[WebSocketFrames.MaxHeader];
            int there = (int)Math.Min(bytes.Length, header.Length);
            bytes.Slice(0, there).CopyTo(header);
            long length = WebSocketFrames.LengthOf(header[..there]);
            bool isWhole = length > 0 && (bytes.Length >= length || length > WholeFrame);
            if (!isWhole && !result.IsCompleted)
            {
                _inner.AdvanceTo(bytes.Start, bytes.End);
                shown = default;
                return false;
            }

            if (length == 0)
            {
                shown = Show(bytes, Source.Connection, result.IsCompleted);
                return true;
            }

            _frames.Begin(header[..there]);
        }

        bool all = bytes.Length <= _frames.Left;
        shown = Show(all ? bytes : bytes.Slice(0, _frames.Left), Source.Connection, all && result.IsCompleted);
        return true;
    }

    // A TLS record of a handshake begins with 22 (RFC 8446 §5.1), HTTP/2 with its preface (RFC 9113 §3.4).
    private void Identify(in ReadOnlySequence<byte> bytes)
    {
        ReadOnlySpan<byte> preface = "PRI "u8;
        Span<byte> first = stackalloc byte[4];
        int there = (int)Math.Min(bytes.Length, first.Length);
        bytes.Slice(0, there).CopyTo(first);
        first = first[..there];
        bool isHttp2 = first.SequenceEqual(preface);
        if (isHttp2 && !_http2WebSockets && Stage == ConnectionStage.Boundary)
        {
            _output.BeginHttp2();
        }

        if (first[0] == 22 || isHttp2)
        {
            BeginOpaque();
        }

        _identified = there == preface.Length || !preface.StartsWith(first);
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Baton.Kestrel;

/// <summary>
/// A connection's output as Kestrel sees it: what it writes goes to the client, except for the head of a response that
/// another node has sent already, and for what it writes to say farewell on a connection that leaves.
/// </summary>
internal sealed class HandoffOutput : PipeWriter
{
    private const int MaxHead = 64 << 10;

    private readonly CarriedExchange? _resumed;
    private readonly Action<string> _fail;
    private readonly WebSocketFrames _frames = new();
    private readonly byte[] _frameHeader = new byte[WebSocketFrames.MaxHeader];
    private PipeWriter _inner;
    private int _frameHeaderLength;
    private ArrayBufferWriter<byte>? _head;
    private Http2Settings? _settings;
    private byte[] _scratch = [];
    private int _advanced;
    private bool _usesScratch;
    private bool _isTaken;
    private volatile Mode _mode;

    /// <param name="inner">To the client.</param>
    /// <param name="resumed">The exchange whose response's head has been sent, or null.</param>
    /// <param name="fail">Called when the response here does not fit the head that was sent, with the reason.</param>
    public HandoffOutput(PipeWriter inner, CarriedExchange? resumed, Action<string> fail)
    {
        _inner = inner;
        _resumed = resumed;
        _fail = fail;
        if (resumed is not null)
        {
            _mode = Mode.SwallowHead;
            _head = new ArrayBufferWriter<byte>(512);
            IsWebSocket = resumed.Kind == ExchangeKind.WebSocket;
        }
    }

    private enum Mode
    {
        Pass,
        SwallowHead,
        DropClose,
        DropAll,
    }

    /// <summary>Whether frames of a WebSocket are written.</summary>
    public bool IsWebSocket { get; private set; }

    /// <summary>Whether the application has begun to close its WebSocket.</summary>
    public bool IsClosing => _frames.IsClosing;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => _inner.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => _inner.UnflushedBytes;

    /// <summary>From now on what passes is written to TLS.</summary>
    public void BeginTls(PipeWriter tls) => _inner = tls;

    /// <summary>What follows the upgrade's response are frames.</summary>
    public void BeginWebSocket()
    {
        IsWebSocket = true;
        _head ??= new ArrayBufferWriter<byte>(512);
    }

    /// <summary>What is written first are the settings of HTTP/2, without the offer of WebSockets.</summary>
    public void BeginHttp2() => _settings = new();

    /// <summary>From now on nothing is written any more.</summary>
    public void DropAll() => _mode = Mode.DropAll;

    /// <summary>From now on a Close frame is not written; messages still are.</summary>
    public void DropClose() => _mode = Mode.DropClose;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        _usesScratch = _mode != Mode.Pass || IsWebSocket || _settings is not null;
        if (!_usesScratch)
        {
            return _inner.GetMemory(sizeHint);
        }

        if (_scratch.Length < Math.Max(sizeHint, 1))
        {
            ReturnScratch();
            _scratch = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, 4096));
        }

        _advanced = 0;
        _isTaken = true;
        return _scratch;
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        if (!_usesScratch)
        {
            _inner.Advance(bytes);
            return;
        }

        // Kestrel advances more than once over what it got by one call.
        _isTaken = false;
        var written = _scratch.AsSpan(_advanced, bytes);
        _advanced += bytes;
        if (_mode == Mode.DropAll)
        {
            return;
        }

        if (_settings?.Filter(written) == true)
        {
            _settings = null;
        }

        if (_head is not null)
        {
            written = TakeHead(written);
        }

        if (IsWebSocket)
        {
            WriteFrames(written);
        }
        else
        {
            _inner.Write(written);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (!_isTaken)
        {
            ReturnScratch();
        }

        return _inner.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => _inner.CancelPendingFlush();

    /// <summary>Kestrel writes no more; the connection completes what is behind.</summary>
    public override void Complete(Exception? exception = null) => ReturnScratch();

    /// <summary>An idle connection has no scratch: what was written to it has been copied.</summary>
    private void ReturnScratch()
    {
        if (_scratch.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_scratch);
            _scratch = [];
        }
    }

    /// <summary>Takes the response's head, whose end is an empty line; gives what follows it.</summary>
    private Span<byte> TakeHead(Span<byte> written)
    {
        int before = _head!.WrittenCount;
        _head.Write(written);
        int end = _head.WrittenSpan.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            if (_head.WrittenCount > MaxHead)
            {
                _mode = Mode.DropAll;
                _fail("the response's head is too long");
            }

            return [];
        }

        end += 4;
        var head = _head.WrittenSpan[..end];
        if (_mode != Mode.SwallowHead)
        {
            _inner.Write(head);
        }
        else if (Differs(head) is { } difference)
        {
            _mode = Mode.DropAll;
            _fail(difference);
            written = [];
        }
        else
        {
            _mode = Mode.Pass;
        }

        _head = null;
        return written.IsEmpty ? written : written[(end - before)..];
    }

    private string? Differs(ReadOnlySpan<byte> head)
    {
        int status = head.Length > 12 && int.TryParse(head.Slice(9, 3), out int parsed) ? parsed : 0;
        bool isChunked = Encoding.ASCII.GetString(head).Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.OrdinalIgnoreCase);
        return status != _resumed!.Status ? $"the request was answered with {_resumed.Status} before and with {status} here"
            : isChunked != _resumed.IsChunked ? "the response has another transfer coding than before"
            : null;
    }

    private void WriteFrames(ReadOnlySpan<byte> written)
    {
        while (!written.IsEmpty)
        {
            if (_frames.IsAtFrame)
            {
                // The header is short: it is gathered byte by byte, however it was cut.
                _frameHeader[_frameHeaderLength++] = written[0];
                written = written[1..];
                var header = _frameHeader.AsSpan(0, _frameHeaderLength);
                if (_frames.Begin(header) > 0)
                {
                    Write(header);
                    _frames.Pass(_frameHeaderLength);
                    _frameHeaderLength = 0;
                }
            }
            else
            {
                int length = (int)Math.Min(written.Length, _frames.Left);
                Write(written[..length]);
                _frames.Pass(length);
                written = written[length..];
            }
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (_mode != Mode.DropClose || _frames.Opcode != WebSocketFrames.Close)
        {
            _inner.Write(bytes);
        }
    }
}

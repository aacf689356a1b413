using System.Buffers;
using System.IO.Pipelines;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>
/// The application's direction: what is written is gathered to records of full length, protected, and given on when it is
/// flushed. What waits here is one record at most.
/// </summary>
internal sealed class TlsOutput(PipeWriter inner, TlsRecords records, MemoryPool<byte> pool) : PipeWriter
{
    private readonly Lock _lock = new();
    private IMemoryOwner<byte>? _buffer;
    private int _length;
    private bool _isClosed;

    /// <summary>Whether the last record was written: a close, or an alert.</summary>
    public bool HasEnded { get; private set; }

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => inner.UnflushedBytes + _length;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        int size = Math.Max(sizeHint, 1);
        if (_buffer is not null && _buffer.Memory.Length - _length < size)
        {
            lock (_lock)
            {
                SealWaiting();
            }
        }

        _buffer ??= size <= RecordFormat.MaxContent && pool.MaxBufferSize >= size
            ? pool.Rent(Math.Min(RecordFormat.MaxContent, pool.MaxBufferSize))
            : MemoryPool<byte>.Shared.Rent(size);
        return _buffer.Memory[_length..];
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_buffer?.Memory.Length ?? 0) - _length);
        _length += bytes;
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            SealWaiting();
        }

        return inner.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    /// <summary>Nothing more is written; the connection closes what is behind.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    /// <summary>Protects what waits, for a connection that leaves with its keys.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            SealWaiting();
            _isClosed = true;
        }
    }

    /// <summary>
    /// Protects what waits and says that nothing follows (RFC 8446 §6.1), or, with another alert, drops it and says that
    /// the connection has failed. The first such call counts. From any thread.
    /// </summary>
    public void Close(AlertDescription alert = AlertDescription.CloseNotify)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            if (alert == AlertDescription.CloseNotify)
            {
                SealWaiting();
            }

            _isClosed = true;
            HasEnded = true;
            records.SealAlert(alert, inner);
        }
    }

    private void SealWaiting()
    {
        if (_buffer is null)
        {
            return;
        }

        for (int done = 0; done < _length && !_isClosed; done += RecordFormat.MaxContent)
        {
            records.Seal(_buffer.Memory.Span[done..Math.Min(_length, done + RecordFormat.MaxContent)], inner);
        }

        // Nothing is kept for a connection that is idle.
        _buffer.Dispose();
        _buffer = null;
        _length = 0;
    }
}

using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>
/// The client's direction: whole records are opened when the application has looked at all that is there, so that no more
/// waits here than one read of the transport gives.
/// </summary>
/// <param name="inner">The connection's bytes.</param>
/// <param name="records">Opens them.</param>
/// <param name="output">Tells the client what is wrong with its records.</param>
/// <param name="unread">Opened bytes that nobody has used yet; they come first.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class TlsInput(PipeReader inner, TlsRecords records, TlsOutput output, ReadOnlyMemory<byte> unread, MemoryPool<byte> pool) : PipeReader
{
    private readonly Pipe _plain = new(new PipeOptions(
        pool, PipeScheduler.Inline, PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false));

    private ReadOnlyMemory<byte> _first = unread;
    private IOException? _failure;
    private int _cancelled;
    private bool _isEnded;

    /// <inheritdoc/>
    /// <exception cref="IOException">A record breaks the rules, or the client says that something has failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (TryReadPlain(out var result))
            {
                return result;
            }

            var read = await inner.ReadAsync(cancellationToken);
            Open(read);
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        while (!TryReadPlain(out result))
        {
            if (!inner.TryRead(out var read))
            {
                return false;
            }

            Open(read);
        }

        return true;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => _plain.Reader.AdvanceTo(consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _plain.Reader.AdvanceTo(consumed, examined);

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        Interlocked.Exchange(ref _cancelled, 1);
        inner.CancelPendingRead();
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        _isEnded = true;
        _plain.Writer.Complete();
        _plain.Reader.Complete();
    }

    /// <summary>Takes what was opened and not used. The transport's bytes that were not opened stay with the transport.</summary>
    public byte[] TakeOpened()
    {
        WriteFirst();

        // What has been looked at is not shown again unless the read is cancelled.
        _plain.Reader.CancelPendingRead();
        byte[] opened = _plain.Reader.TryRead(out var result) ? result.Buffer.ToArray() : [];
        Complete();
        return opened;
    }

    private bool TryReadPlain(out ReadResult result)
    {
        WriteFirst();
        if (Interlocked.Exchange(ref _cancelled, 0) != 0)
        {
            _plain.Reader.CancelPendingRead();
        }

        if (_plain.Reader.TryRead(out result))
        {
            return true;
        }

        return _failure is null ? false : throw _failure;
    }

    private void WriteFirst()
    {
        if (!_first.IsEmpty)
        {
            _plain.Writer.Write(_first.Span);
            _first = default;
            Flush();
        }
    }

    private void Flush()
    {
        var flushed = _plain.Writer.FlushAsync();
        Debug.Assert(flushed.IsCompletedSuccessfully, "the pipe has no bound to wait for");
    }

    /// <summary>Opens the whole records of what the transport has.</summary>
    private void Open(in ReadResult read)
    {
        var rest = read.Buffer;
        while (!_isEnded && TryTakeRecord(ref rest, out var record))
        {
            OpenOne(record);
        }

        if (read.IsCompleted && !_isEnded)
        {
            // Without close_notify somebody else may have cut it short (RFC 8446 §6.1); HTTP sees that by its own lengths.
            TlsMetrics.Truncated.Add(1);
            End();
        }

        Flush();
        inner.AdvanceTo(rest.Start, _isEnded ? rest.Start : rest.End);
    }

    private bool TryTakeRecord(ref ReadOnlySequence<byte> rest, out ReadOnlySequence<byte> record)
    {
        record = default;
        if (rest.Length < RecordFormat.HeaderLength)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[RecordFormat.HeaderLength];
        rest.Slice(0, header.Length).CopyTo(header);
        int length = RecordFormat.LengthOf(header);
        if (length - RecordFormat.HeaderLength > records.MaxProtected)
        {
            // It is refused before it is there (RFC 8446 §5.2).
            Refuse(AlertDescription.RecordOverflow);
            return false;
        }

        if (rest.Length < length)
        {
            return false;
        }

        record = rest.Slice(0, length);
        rest = rest.Slice(length);
        return true;
    }

    private void OpenOne(in ReadOnlySequence<byte> record)
    {
        int length = (int)record.Length;
        byte[]? copy = record.IsSingleSegment ? null : ArrayPool<byte>.Shared.Rent(length);
        if (copy is not null)
        {
            record.CopyTo(copy);
        }

        var whole = copy is null ? record.FirstSpan : copy.AsSpan(0, length);
        var outcome = records.Open(whole, _plain.Writer.GetSpan(length), out int opened);
        if (copy is not null)
        {
            ArrayPool<byte>.Shared.Return(copy);
        }

        switch (outcome)
        {
            case RecordOutcome.Data:
                _plain.Writer.Advance(opened);
                break;
            case RecordOutcome.Closed:
                End();
                break;
            case RecordOutcome.Failed:
                Refuse(records.Alert);
                break;
            case RecordOutcome.PeerFailed:
                TlsMetrics.Alert(sent: false, records.Alert);
                Fail($"The client has ended TLS with the alert {records.Alert}.");
                break;
        }
    }

    private void Refuse(AlertDescription alert)
    {
        TlsMetrics.Alert(sent: true, alert);
        output.Close(alert);
        Fail($"The client's TLS record is refused with the alert {alert}.");
    }

    // The application gets what came before it first.
    private void Fail(string why)
    {
        _failure = new IOException(why);
        _isEnded = true;
    }

    private void End()
    {
        _isEnded = true;
        _plain.Writer.Complete();
    }
}

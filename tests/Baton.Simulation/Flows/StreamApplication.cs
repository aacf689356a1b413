using System.Buffers.Binary;
using Baton.Engine;

namespace Baton.Simulation;

/// <summary>
/// The farm's end of a <see cref="StreamFlow"/> at one node: goes on where the last node's stopped. Its context are the two
/// offsets.
/// </summary>
internal sealed class StreamApplication(SimulationRun run, FarmNode node) : IEndpointApplication
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private StreamFlow _flow = null!;
    private Attachment? _ended;
    private int _unreadAhead;
    private bool _paused;
    private bool _closedWrite;

    /// <summary>The binding; null before and after.</summary>
    public Attachment? Attachment { get; private set; }

    /// <summary>Bytes of the client's stream that were read, here and before.</summary>
    public long Received { get; private set; }

    /// <summary>Bytes written, here and before.</summary>
    public long Sent { get; private set; }

    /// <inheritdoc/>
    public void OnAttached(Attachment attachment)
    {
        _flow = run.StreamOf(attachment.Facts.Flow);
        if (!attachment.Facts.Context.IsEmpty)
        {
            var context = attachment.Facts.Context.Span;
            Sent = BinaryPrimitives.ReadInt64BigEndian(context);
            Received = BinaryPrimitives.ReadInt64BigEndian(context[8..]);
        }

        if (_flow.Application is { Attachment.IsOpen: true } other)
        {
            run.Fail($"{_flow.Flow}: attached at {node.Name} while it is attached at {other.Node}.");
        }

        Attachment = attachment;
        _flow.Application = this;
        OnWritable(attachment);
    }

    /// <summary>The node.</summary>
    public string Node => node.Name;

    /// <inheritdoc/>
    public void OnReadable(Attachment attachment)
    {
        // What came before both ends closed can be read after the end.
        while (!_paused && attachment.Read(_buffer) is > 0 and var read)
        {
            Check(_buffer.AsSpan(0, read));
            Received += read;
            CountRead();
            if (_flow.Plan.FarmPause is { } pause && !_flow.FarmHasPaused && Received >= pause.At)
            {
                _flow.FarmHasPaused = _paused = true;
                run.Mover.MoveWithin(_flow, pause.Length);
                run.After(pause.Length, Resume);
            }
        }

        CloseWhenDone(attachment);
    }

    /// <inheritdoc/>
    public void OnWritable(Attachment attachment)
    {
        long length = _flow.Plan.Down;
        while (Sent < length && attachment.IsOpen)
        {
            int part = (int)Math.Min(_buffer.Length, length - Sent);
            _flow.ToClient.Fill(_buffer.AsSpan(0, part), Sent);
            int written = attachment.Write(_buffer.AsSpan(0, part));
            Sent += written;
            if (written < part)
            {
                break;
            }
        }

        CloseWhenDone(attachment);
    }

    /// <inheritdoc/>
    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
        // What is taken here but not used goes along as unread.
        int unread = attachment.IsOpen ? attachment.Read(_buffer.AsSpan(0, _flow.Plan.UnreadAtMove)) : 0;
        Check(_buffer.AsSpan(0, unread));
        byte[] context = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(context, Sent);
        BinaryPrimitives.WriteInt64BigEndian(context.AsSpan(8), Received);
        _unreadAhead = unread;
        attachment.HandOff(new HandOffRequest { Target = request.Target, Context = context, Unread = _buffer.AsSpan(0, unread).ToArray() });
    }

    /// <inheritdoc/>
    public void OnHandOffFailed(Attachment attachment, MoveResult result)
    {
        TakeUnreadBack();
        OnReadable(attachment);
        OnWritable(attachment);
    }

    /// <inheritdoc/>
    public void OnLeft(Attachment attachment, LeaveReason reason)
    {
        if (reason == LeaveReason.Closed)
        {
            _ended = attachment;
            TakeUnreadBack();
            OnReadable(attachment);
        }

        Attachment = null;
        if (ReferenceEquals(_flow.Application, this))
        {
            _flow.Application = null;
        }
    }

    /// <summary>What was taken ahead for the next application was used by none: it is this one's again.</summary>
    private void TakeUnreadBack()
    {
        Received += _unreadAhead;
        CountRead();
        _unreadAhead = 0;
    }

    /// <summary>A source that was cut off learns late that the connection has ended, and has read less of it than the target.</summary>
    private void CountRead() => _flow.ReadByFarm = Math.Max(_flow.ReadByFarm, Received);

    private void Resume()
    {
        _paused = false;
        if ((Attachment ?? _ended) is { } attachment)
        {
            OnReadable(attachment);
            node.Touch();
        }
    }

    private void Check(ReadOnlySpan<byte> bytes)
    {
        int wrong = _flow.FromClient.Mismatch(bytes, Received);
        if (wrong >= 0)
        {
            run.Fail($"{_flow.Flow}: node {node.Name} read a wrong byte at {Received + wrong} of the client's stream.");
        }
    }

    private void CloseWhenDone(Attachment attachment)
    {
        if (Sent != _flow.Plan.Down || !attachment.IsOpen)
        {
            return;
        }

        if (_flow.Plan.FarmClosesEarly && !_closedWrite)
        {
            _closedWrite = true;
            attachment.CloseWrite();
        }

        if (attachment.ReadCompleted)
        {
            attachment.Close();
            _flow.FarmHasClosed = true;
            run.Mover.MoveClosing(_flow);
        }
    }
}

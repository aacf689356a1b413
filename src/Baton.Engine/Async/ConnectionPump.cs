using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Baton.Engine;

#pragma warning disable CA2012 // A pipe's value tasks are asked once for their result here: when they are complete, or by the awaiter kept for it.

/// <summary>
/// Moves a connection's bytes between its queues and two pipes, on the shard's thread: what arrives is written to the one,
/// what is flushed to the other is sent, without an operation to wait for in between. A full pipe leaves the bytes in the
/// connection's queue, so that back-pressure reaches the client's window; a full queue leaves them in the pipe.
/// </summary>
public sealed class ConnectionPump
{
    /// <summary>Room asked of the input's pipe; it gives what its pool's blocks have.</summary>
    private const int Room = 1024;

    private readonly AsyncEndpoint _endpoint;
    private readonly PipeWriter _input;
    private readonly PipeReader _output;
    private readonly Func<BatonException, Exception> _failure;
    private readonly TaskCompletionSource _completion = new();
    private readonly Turn _turn;
    private ValueTaskAwaiter<FlushResult> _flush;
    private ValueTaskAwaiter<ReadResult> _read;
    private bool _flushing;
    private bool _reading;
    private bool _inputEnded;
    private bool _outputEnded;
    private volatile bool _stopped;

    internal ConnectionPump(
        AsyncEndpoint endpoint, PipeWriter input, PipeReader output, ReadOnlySpan<byte> first, Func<BatonException, Exception> failure, IPumpOwner? owner)
    {
        Owner = owner;
        _endpoint = endpoint;
        _input = input;
        _output = output;
        _failure = failure;
        _turn = new Turn(this);
        if (!first.IsEmpty)
        {
            _input.Write(first);
            Flush();
        }

        _turn.Request();
    }

    /// <summary>
    /// Ends when the output's writer has completed and all of it is in the connection's queue, or the connection has ended or
    /// left. From then on neither pipe is touched. Never fails. What awaits it goes on on the shard's thread: it must not wait
    /// there for anything, and a handoff that it asks for begins without another change of threads.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Who is told what becomes of the connection.</summary>
    internal IPumpOwner? Owner { get; }

    /// <summary>
    /// Nothing more is put into the input's pipe once <see cref="Completion"/> has ended: what the pipe has is all that was
    /// taken off the connection.
    /// </summary>
    public void Stop()
    {
        _stopped = true;
        _turn.Request();
    }

    /// <summary>Something has changed at the endpoint. On the shard's thread.</summary>
    internal void Continue()
    {
        if (_endpoint.Failure is { } failure && _endpoint.Attachment is null)
        {
            var why = _failure((BatonException)failure());
            Receive(_endpoint.Remains, why);
            EndOutput(why);
            return;
        }

        Receive(_endpoint.Attachment, null);
        Send();
        if (_outputEnded && _stopped)
        {
            EndInput(null);
        }
    }

    private void Receive(Attachment? attachment, Exception? why)
    {
        if (_flushing && _flush.IsCompleted)
        {
            _flushing = false;
            EndIf(_flush.GetResult().IsCompleted);
        }

        if (!_inputEnded && !_flushing && !_stopped && attachment is { ReadableBytes: > 0 })
        {
            _endpoint.Shard.Conversation.Give(this);
            do
            {
                _input.Advance(attachment.Read(_input.GetSpan(Room)));
                Flush();
            }
            while (!_inputEnded && !_flushing && attachment.ReadableBytes > 0);
        }

        if (attachment is { ReadCompleted: true } && !_stopped)
        {
            EndInput(null);
        }
        else if (why is not null && (attachment is null || _stopped))
        {
            EndInput(why);
        }
    }

    private void Flush()
    {
        var flushed = _input.FlushAsync();
        if (flushed.IsCompleted)
        {
            EndIf(flushed.Result.IsCompleted);
            return;
        }

        _flush = flushed.GetAwaiter();
        _flushing = true;
        _flush.UnsafeOnCompleted(_turn.Request);
    }

    /// <summary>A reader that has completed reads nothing more.</summary>
    private void EndIf(bool isReaderDone)
    {
        if (isReaderDone)
        {
            EndInput(null);
        }
    }

    private void Send()
    {
        while (!_outputEnded)
        {
            ReadResult result;
            if (_reading)
            {
                if (!_read.IsCompleted)
                {
                    return;
                }

                _reading = false;
                result = _read.GetResult();
            }
            else if (!_output.TryRead(out result))
            {
                _read = _output.ReadAsync().GetAwaiter();
                _reading = true;
                if (!_read.IsCompleted)
                {
                    _read.UnsafeOnCompleted(_turn.Request);
                    return;
                }

                continue;
            }

            var rest = result.Buffer;
            while (!rest.IsEmpty && _endpoint.Attachment!.Write(rest.FirstSpan) is > 0 and var taken)
            {
                rest = rest.Slice(taken);
            }

            _output.AdvanceTo(rest.Start);
            if (result.IsCanceled || (result.IsCompleted && rest.IsEmpty))
            {
                EndOutput(null);
            }
            else if (!rest.IsEmpty)
            {
                // The endpoint says when it takes more.
                return;
            }
        }
    }

    private void EndInput(Exception? why)
    {
        if (!_inputEnded)
        {
            _inputEnded = true;
            _input.Complete(why);
        }
    }

    private void EndOutput(Exception? why)
    {
        if (!_outputEnded)
        {
            _outputEnded = true;
            _output.Complete(why);
            if (_stopped)
            {
                EndInput(null);
            }

            _completion.TrySetResult();
        }
    }

    /// <summary>A turn on the shard's thread; asked for by any thread, and once until it has begun.</summary>
    private sealed class Turn : ShardWork
    {
        private readonly ConnectionPump _pump;
        private int _requested;

        public Turn(ConnectionPump pump)
        {
            _pump = pump;
            Request = () =>
            {
                if (Interlocked.Exchange(ref _requested, 1) == 0)
                {
                    _pump._endpoint.Shard.PostAnswer(this, _pump);
                }
            };
        }

        public Action Request { get; }

        public override void Run(Shard shard)
        {
            Volatile.Write(ref _requested, 0);
            if (!ReferenceEquals(_pump._endpoint.Pump, _pump))
            {
                _pump._endpoint.Pump = _pump;
            }

            _pump.Continue();
        }
    }
}

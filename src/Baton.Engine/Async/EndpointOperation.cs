using System.Threading.Tasks.Sources;

namespace Baton.Engine;

/// <summary>
/// One direction's outstanding operation of a connection: posted by the application, completed by the shard, used again
/// for the next. The shard alone decides between completion and cancellation, so that a cancelled operation has had no
/// effect. Allocates nothing once it exists.
/// </summary>
internal abstract class EndpointOperation : ShardWork, IValueTaskSource<int>, IThreadPoolWorkItem
{
    private readonly AsyncEndpoint _owner;
    private readonly CancelWork _cancel;
    private ManualResetValueTaskSourceCore<int> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private readonly bool _inline;
    private int _result;
    private Exception? _failure;
    private int _inUse;
    private bool _waits;

    protected EndpointOperation(AsyncEndpoint owner, bool inline)
    {
        _owner = owner;
        _cancel = new CancelWork(this);
        _inline = inline;
    }

    protected AsyncEndpoint Owner => _owner;

    /// <summary>Whether it may still be done once the connection has ended in order.</summary>
    protected abstract bool ReadsRemains { get; }

    /// <summary>Does what can be done now.</summary>
    /// <returns>Whether the operation is complete.</returns>
    protected abstract bool TryComplete(Attachment attachment, out int result);

    /// <summary>Forgets the application's memory.</summary>
    protected abstract void Clear();

    /// <summary>Takes the operation for a new use.</summary>
    /// <exception cref="InvalidOperationException">It is in use.</exception>
    protected void Take(string what)
    {
        if (Interlocked.Exchange(ref _inUse, 1) != 0)
        {
            throw new InvalidOperationException($"One {what} may be outstanding at a time.");
        }
    }

    /// <summary>Posts the operation to the shard.</summary>
    protected short Start(CancellationToken token)
    {
        short version = _core.Version;
        _token = token;
        if (token.CanBeCanceled)
        {
            // Registered before it is posted: a cancellation that comes at once is found by Run.
            _cancel.Version = -1;
            _registration = token.UnsafeRegister(static (state, _) => ((EndpointOperation)state!).RequestCancel(), this);
        }

        _owner.Shard.Post(this);
        return version;
    }

    /// <inheritdoc/>
    public override void Run(Shard shard)
    {
        if (_token.IsCancellationRequested)
        {
            Finish(0, new OperationCanceledException(_token));
            return;
        }

        _waits = true;
        Continue();
    }

    /// <summary>Tries again: something has changed at the endpoint.</summary>
    public void Continue()
    {
        if (!_waits)
        {
            return;
        }

        if ((_owner.Attachment ?? (ReadsRemains ? _owner.Remains : null)) is { } attachment)
        {
            if (TryComplete(attachment, out int result))
            {
                Finish(result, null);
            }
        }
        else if (_owner.Failure is { } failure)
        {
            Finish(0, failure());
        }
    }

    /// <inheritdoc/>
    public int GetResult(short token)
    {
        // Waits for a cancellation callback that runs just now, so that it cannot meet the operation's next use.
        _registration.Dispose();
        _registration = default;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _token = default;
            _failure = null;
            _core.Reset();
            Volatile.Write(ref _inUse, 0);
        }
    }

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>On the thread pool: tells the application.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (_failure is { } failure)
        {
            _core.SetException(failure);
        }
        else
        {
            _core.SetResult(_result);
        }
    }

    private void Finish(int result, Exception? failure)
    {
        _waits = false;
        Clear();
        _result = result;
        _failure = failure;
        if (_inline)
        {
            ((IThreadPoolWorkItem)this).Execute();
        }
        else
        {
            // The core's own way to the thread pool would allocate.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void RequestCancel()
    {
        _cancel.Version = _core.Version;
        if (Interlocked.Exchange(ref _cancel.Posted, 1) == 0)
        {
            _owner.Shard.Post(_cancel);
        }
    }

    /// <summary>Runs on the shard, after the operation that it is to cancel or in its place.</summary>
    private sealed class CancelWork(EndpointOperation operation) : ShardWork
    {
        public int Posted;

        public volatile int Version = -1;

        public override void Run(Shard shard)
        {
            Volatile.Write(ref Posted, 0);
            if (operation._waits && operation._core.Version == Version)
            {
                operation.Finish(0, new OperationCanceledException(operation._token));
            }
        }
    }
}

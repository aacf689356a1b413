using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// What <see cref="Connection"/> and <see cref="DatagramConnection"/> have in common: the application on the shard's
/// thread that completes the operations of the one that awaits.
/// </summary>
internal sealed class AsyncEndpoint : IEndpointApplication
{
    private static readonly Func<Exception> s_left = static () => new EndpointLeftException();
    private readonly bool _inline;
    private LateToken _closed;
    private LateToken _inputEnded;
    private LateToken _moveRequested;
    private ConnectionPump? _pump;
    private ReceiveOperation? _receive;
    private ReceiveOperation? _peek;
    private SendOperation? _send;
    private TaskCompletionSource<MoveResult>? _handOff;

    public AsyncEndpoint(Shard shard, bool inline)
    {
        Shard = shard;
        _inline = inline;
    }

    public Shard Shard { get; }

    // Made when they are first asked for, by the application's thread: posting one lets the shard see it.
    public ReceiveOperation Receive => Volatile.Read(ref _receive) ?? Interlocked.CompareExchange(ref _receive, new ReceiveOperation(this, _inline), null) ?? _receive;

    public ReceiveOperation Peek => Volatile.Read(ref _peek) ?? Interlocked.CompareExchange(ref _peek, new ReceiveOperation(this, _inline), null) ?? _peek;

    public SendOperation Send => Volatile.Read(ref _send) ?? Interlocked.CompareExchange(ref _send, new SendOperation(this, _inline), null) ?? _send;

    /// <summary>What moves the bytes to and from pipes, or null when the application asks for them. On the shard's thread.</summary>
    public ConnectionPump? Pump
    {
        get => _pump;
        set
        {
            _pump = value;
            if (value?.Owner is { } owner)
            {
                TellAll(owner);
            }
        }
    }

    /// <summary>What the connection does otherwise than by default; null for nothing.</summary>
    public ConnectionOptions? Options { get; init; }

    /// <summary>Called once the endpoint is attached.</summary>
    public Action<AsyncEndpoint>? Accepted { get; init; }

    /// <summary>The binding; null once the endpoint has left. On the shard's thread.</summary>
    public Attachment? Attachment { get; private set; }

    /// <summary>What is fixed from the attaching on; readable from any thread.</summary>
    public AttachmentFacts Facts { get; private set; } = null!;

    /// <summary>The binding that was, when the connection ended in order: what it received can still be read.</summary>
    public Attachment? Remains { get; private set; }

    /// <summary>Makes the exception that operations end with once the endpoint has left. On the shard's thread.</summary>
    public Func<Exception>? Failure { get; private set; }

    public CancellationToken Closed => _closed.Token;

    public CancellationToken InputEnded => _inputEnded.Token;

    public CancellationToken MoveRequested => _moveRequested.Token;

    /// <summary>Whether the endpoint has left or the connection has ended.</summary>
    public bool HasLeft => _closed.IsCancelled;

    public MoveRequest? RequestedMove { get; private set; }

    public void OnAttached(Attachment attachment)
    {
        Attachment = attachment;
        Facts = attachment.Facts;
        if (Options is not null)
        {
            attachment.SetOptions(Options);
        }

        if (attachment.NoMoreToCome)
        {
            _inputEnded.Cancel();
        }

        Accepted?.Invoke(this);
    }

    public void OnReadable(Attachment attachment)
    {
        _peek?.Continue();
        _receive?.Continue();
        Pump?.Continue();
        if (attachment.NoMoreToCome && !_inputEnded.IsCancelled)
        {
            _inputEnded.Cancel();
            Pump?.Owner?.OnInputEnded();
        }
    }

    public void OnWritable(Attachment attachment)
    {
        _send?.Continue();
        Pump?.Continue();
    }

    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
        RequestedMove = request;
        _moveRequested.Cancel();
        Pump?.Owner?.OnMoveRequested();
    }

    public void OnHandOffFailed(Attachment attachment, MoveResult result)
    {
        if (_moveRequested.IsCancelled)
        {
            _moveRequested.Renew();
        }

        Interlocked.Exchange(ref _handOff, null)?.TrySetException(new HandOffRejectedException(result));
        OnReadable(attachment);
        OnWritable(attachment);
    }

    public void OnLeft(Attachment attachment, LeaveReason reason)
    {
        Attachment = null;
        string? text = attachment.CloseText;
        Remains = reason == LeaveReason.Closed && attachment.EndedInOrder ? attachment : null;
        Failure = reason == LeaveReason.Closed ? () => new ConnectionClosedException(text ?? "closed") : s_left;
        var handOff = Interlocked.Exchange(ref _handOff, null);
        if (reason == LeaveReason.Moved)
        {
            handOff?.TrySetResult(attachment.LeaveResult!);
        }
        else
        {
            handOff?.TrySetException(Failure());
        }

        _closed.Cancel();
        _peek?.Continue();
        _receive?.Continue();
        _send?.Continue();
        Pump?.Continue();
        Pump?.Owner?.OnClosed();
    }

    /// <summary>Hands the endpoint off; completes when it has left.</summary>
    public async ValueTask<MoveResult> HandOffAsync(HandOffRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var source = new TaskCompletionSource<MoveResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _handOff, source, null) is not null)
        {
            throw new InvalidOperationException("One handoff may be outstanding at a time.");
        }

        try
        {
            await Call(a => a.HandOff(request)).ConfigureAwait(false);
        }
        catch
        {
            Interlocked.CompareExchange(ref _handOff, null, source);
            throw;
        }

        return await source.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Calls a function of the attachment on the shard's thread.</summary>
    /// <exception cref="EndpointLeftException">The endpoint has left.</exception>
    /// <exception cref="ConnectionClosedException">The connection has ended.</exception>
    public Task Call(Action<Attachment> action) => Shard.Call(_ =>
    {
        action(Attachment ?? throw Failure!());
        return true;
    });

    /// <summary>As <see cref="Call"/>, but nothing happens once the endpoint has left.</summary>
    public Task CallIfHere(Action<Attachment> action) => Shard.Call(_ =>
    {
        if (Attachment is { } attachment)
        {
            action(attachment);
        }

        return true;
    });

    /// <summary>The endpoint as of now.</summary>
    public Task<EndpointDescription> DescribeAsync() =>
        Shard.Call(shard => shard.Describe((Attachment ?? throw Failure!()).Endpoint));

    private void TellAll(IPumpOwner owner)
    {
        if (_moveRequested.IsCancelled)
        {
            owner.OnMoveRequested();
        }

        if (_inputEnded.IsCancelled)
        {
            owner.OnInputEnded();
        }

        if (_closed.IsCancelled)
        {
            owner.OnClosed();
        }
    }
}

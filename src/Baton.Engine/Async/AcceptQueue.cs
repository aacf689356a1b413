using System.Threading.Channels;

namespace Baton.Engine;

/// <summary>Endpoints that wait to be accepted by an awaiting application; bounded by the backlog.</summary>
internal sealed class AcceptQueue : IAsyncDisposable
{
    private readonly Shard _shard;
    private readonly bool _inline;
    private readonly int _backlog;
    private readonly ConnectionOptions _connections;
    private readonly Channel<AsyncEndpoint> _ready = Channel.CreateUnbounded<AsyncEndpoint>();
    private int _waiting;
    private bool _starved;

    public AcceptQueue(Shard shard, BatonEndPoint endPoint, Wire.IpProtocol protocol, string application, ListenerOptions options)
    {
        _shard = shard;
        _inline = shard.Options.Continuations == ContinuationScheduling.Inline;
        _backlog = options.Backlog;
        _connections = options.Connections ?? new();
        _connections.Validate();
        _connections = _connections with { NoDelay = _connections.NoDelay ?? options.NoDelay };
        Binding = new ApplicationBinding(endPoint, protocol, application, Next, options.TransparentMoves, options.DeferAccept);
    }

    public ApplicationBinding Binding { get; }

    /// <summary>Binds; completes when the shard has done so.</summary>
    public Task StartAsync() => _shard.Call(shard =>
    {
        shard.Bind(Binding);
        return true;
    });

    /// <summary>The next endpoint.</summary>
    public async ValueTask<AsyncEndpoint> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            var endpoint = await _ready.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (Interlocked.Decrement(ref _waiting) < _backlog && Volatile.Read(ref _starved))
            {
                _ = _shard.Call(Refill);
            }

            return endpoint;
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(Listener));
        }
    }

    /// <summary>Unbinds; endpoints that nobody accepted become unattached.</summary>
    public async ValueTask DisposeAsync()
    {
        await _shard.Call(shard =>
        {
            shard.Unbind(Binding);
            _ready.Writer.TryComplete();
            while (_ready.Reader.TryRead(out var endpoint))
            {
                endpoint.Attachment?.Release();
            }

            return true;
        }).ConfigureAwait(false);
    }

    private bool Refill(Shard shard)
    {
        Volatile.Write(ref _starved, false);
        shard.BindWaiting(Binding);
        return true;
    }

    /// <summary>On the shard's thread: a place for one more endpoint, or null.</summary>
    private AsyncEndpoint? Next()
    {
        if (Volatile.Read(ref _waiting) >= _backlog)
        {
            Volatile.Write(ref _starved, true);
            return null;
        }

        Interlocked.Increment(ref _waiting);
        return new AsyncEndpoint(_shard, _inline) { Options = _connections, Accepted = endpoint => _ready.Writer.TryWrite(endpoint) };
    }
}

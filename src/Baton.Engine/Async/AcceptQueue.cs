using System.Threading.Channels;

namespace Baton.Engine;

/// <summary>Endpoints that wait to be accepted by an awaiting application; bounded by the backlog.</summary>
internal sealed class AcceptQueue : IAsyncDisposable
{
    private readonly IReadOnlyList<Shard> _shards;
    private readonly ApplicationBinding[] _bindings;
    private readonly bool _inline;
    private readonly int _backlog;
    private readonly ConnectionOptions _connections;
    private readonly Channel<AsyncEndpoint> _ready;
    private int _waiting;
    private bool _starved;

    public AcceptQueue(IReadOnlyList<Shard> shards, BatonEndPoint endPoint, Wire.IpProtocol protocol, string application, ListenerOptions options)
    {
        _shards = shards;
        _inline = shards[0].Options.Continuations == ContinuationScheduling.Inline;
        _ready = Channel.CreateUnbounded<AsyncEndpoint>(
            new UnboundedChannelOptions { AllowSynchronousContinuations = options.Accepting == ContinuationScheduling.Inline });
        _backlog = options.Backlog;
        _connections = options.Connections ?? new();
        _connections.Validate();
        _connections = _connections with { NoDelay = _connections.NoDelay ?? options.NoDelay };
        _bindings = [.. shards.Select(shard => new ApplicationBinding(
            endPoint, protocol, application, () => Next(shard), options.TransparentMoves, options.DeferAccept))];
    }

    public ApplicationBinding Binding => _bindings[0];

    /// <summary>Binds at every shard; completes when they have done so.</summary>
    public async Task StartAsync()
    {
        for (int index = 0; index < _shards.Count; index++)
        {
            var binding = _bindings[index];
            await _shards[index].Call(shard =>
            {
                shard.Bind(binding);
                return true;
            }).ConfigureAwait(false);
        }
    }

    /// <summary>The next endpoint.</summary>
    public async ValueTask<AsyncEndpoint> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            var endpoint = await _ready.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (Interlocked.Decrement(ref _waiting) < _backlog && Volatile.Read(ref _starved))
            {
                Refill();
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
        for (int index = 0; index < _shards.Count; index++)
        {
            var binding = _bindings[index];
            await _shards[index].Call(shard =>
            {
                shard.Unbind(binding);
                return true;
            }).ConfigureAwait(false);
        }

        _ready.Writer.TryComplete();
        while (_ready.Reader.TryRead(out var endpoint))
        {
            await endpoint.CallIfHere(static attachment => attachment.Release()).ConfigureAwait(false);
        }
    }

    private void Refill()
    {
        Volatile.Write(ref _starved, false);
        for (int index = 0; index < _shards.Count; index++)
        {
            var binding = _bindings[index];
            _shards[index].Post(new ShardAction(shard => shard.BindWaiting(binding)));
        }
    }

    /// <summary>On the shard's thread: a place for one more endpoint, or null.</summary>
    private AsyncEndpoint? Next(Shard shard)
    {
        if (Volatile.Read(ref _waiting) >= _backlog)
        {
            Volatile.Write(ref _starved, true);
            return null;
        }

        Interlocked.Increment(ref _waiting);
        return new AsyncEndpoint(shard, _inline) { Options = _connections, Accepted = endpoint => _ready.Writer.TryWrite(endpoint) };
    }
}

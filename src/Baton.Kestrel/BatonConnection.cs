using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Baton.Engine;
using Baton.Kestrel.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel;

/// <summary>
/// One connection of the farm as Kestrel's transport: a pipe for each direction, whose other ends are the shard's. Both are
/// bounded, so that back-pressure reaches the client's TCP in both directions.
/// </summary>
internal sealed class BatonConnection : ConnectionContext,
    IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature,
    IMemoryPoolFeature, IBatonConnectionFeature, IPumpOwner
{
    private static readonly Func<BatonException, Exception> s_translate = static ended =>
        ended is ConnectionClosedException ? new ConnectionResetException(ended.Message, ended) : ended;

    private readonly IConnectionOwner _owner;
    private readonly ILogger _logger;
    private readonly Pipe _output;
    private readonly ConnectionPump _pump;
    private readonly CancellationTokenSource _closed = new();
    private readonly PipeReader _raw;
    private CarriedExchange? _resumed;
    private CarriedTls? _carriedTls;
    private TlsConnection? _tls;
    private string? _placement;
    private int _disposed;
    private volatile bool _aborted;

    /// <param name="connection">The connection; it is this object's from now on.</param>
    /// <param name="first">Bytes of the stream that were taken off the connection already.</param>
    /// <param name="carried">What came along with it.</param>
    /// <param name="options">The transport's options.</param>
    /// <param name="pipes">What its pipes are made of.</param>
    /// <param name="owner">Who is told what becomes of it.</param>
    /// <param name="logger">Where is said what goes wrong.</param>
    public BatonConnection(
        Connection connection,
        ReadOnlyMemory<byte> first,
        CarriedConnection carried,
        BatonTransportOptions options,
        TransportPipes pipes,
        IConnectionOwner owner,
        ILogger logger)
    {
        Connection = connection;
        _resumed = carried.Exchange;
        _carriedTls = carried.Tls;
        IsNew = ReferenceEquals(carried, CarriedConnection.None);
        _owner = owner;
        _logger = logger;
        MemoryPool = pipes.Pool;
        var input = new Pipe(pipes.Input);
        _output = new Pipe(pipes.Output);
        _raw = input.Reader;
        Raw = new DuplexPipe(_raw, _output.Writer);
        Output = new HandoffOutput(_output.Writer, _resumed, Fail);

        // Records are nothing for a listener that does not open them.
        Input = new HandoffInput(
            _carriedTls is null ? _raw : PipeReader.Create(ReadOnlySequence<byte>.Empty), Output, _resumed?.Head ?? default, options, CloseWhenDrained);
        Transport = new DuplexPipe(Input, Output);
        ConnectionId = connection.Id.ToString();
        LocalEndPoint = new IPEndPoint(connection.Flow.Tuple.LocalAddress.ToIPAddress(), connection.Flow.Tuple.LocalPort);
        RemoteEndPoint = new IPEndPoint(connection.Flow.Tuple.RemoteAddress.ToIPAddress(), connection.Flow.Tuple.RemotePort);
        ConnectionClosed = _closed.Token;
        Features = new ConnectionFeatures(this);
        _pump = connection.Pump(input.Writer, _output.Reader, first, s_translate, this);
    }

    /// <summary>The engine's connection.</summary>
    public Connection Connection { get; }

    /// <summary>The exchange that is to go on at the next node, or null.</summary>
    public CarriedExchange? Carried { get; set; }

    /// <summary>Whether no Kestrel has had the connection before, here or elsewhere.</summary>
    public bool IsNew { get; }

    /// <summary>The connection's bytes as they are on the wire, for what stands between them and Kestrel.</summary>
    public IDuplexPipe Raw { get; }

    /// <summary>What Kestrel reads.</summary>
    public HandoffInput Input { get; }

    /// <summary>What Kestrel writes.</summary>
    public HandoffOutput Output { get; }

    /// <inheritdoc/>
    public override string ConnectionId { get; set; }

    /// <inheritdoc/>
    public override IFeatureCollection Features { get; }

    /// <inheritdoc cref="IConnectionItemsFeature.Items"/>
    public override IDictionary<object, object?> Items { get => field ??= new ConnectionItems(); set; }

    /// <inheritdoc cref="IConnectionTransportFeature.Transport"/>
    public override IDuplexPipe Transport { get; set; }

    /// <inheritdoc cref="IConnectionLifetimeFeature.ConnectionClosed"/>
    public override CancellationToken ConnectionClosed { get; set; }

    /// <inheritdoc cref="IConnectionEndPointFeature.LocalEndPoint"/>
    public override EndPoint? LocalEndPoint { get; set; }

    /// <inheritdoc cref="IConnectionEndPointFeature.RemoteEndPoint"/>
    public override EndPoint? RemoteEndPoint { get; set; }

    /// <inheritdoc/>
    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>The connection leaves for a node when it is disposed, with all that it has received.</summary>
    public void Place(string node)
    {
        _placement = node;
        Input.Leave();
    }

    /// <summary>The TLS that goes on here; null for a connection that is to begin it, and once it has been taken.</summary>
    public CarriedTls? TakeCarriedTls() => Interlocked.Exchange(ref _carriedTls, null);

    /// <summary>From now on there is TLS between the wire and what Kestrel reads and writes.</summary>
    public void BeginTls(TlsConnection tls)
    {
        _tls = tls;
        Output.BeginTls(tls.Output);
        Input.BeginTls(tls.Input);
        if (!tls.CanMove)
        {
            Input.BeginOpaque();
        }
    }

    /// <summary>What was begun at another node cannot go on here: the connection is reset.</summary>
    public void Fail(string why)
    {
        KestrelLog.CannotGoOn(_logger, ConnectionId, why);
        Abort(new ConnectionAbortedException(why));
    }

    /// <summary>The exchange under way.</summary>
    public HandoffExchange Exchange => field ??= new HandoffExchange(this);

    /// <summary>The exchange that goes on here, for its handler; null for every one after it.</summary>
    public CarriedExchange? TakeResumed() => Interlocked.Exchange(ref _resumed, null);

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _aborted = true;
        Connection.Abort();
        _output.Reader.CancelPendingRead();
    }

    /// <summary>
    /// Kestrel is done with the connection: it is closed, or, when its input ended so that it leaves, handed off.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        bool leaves = IsToLeave;
        if (leaves)
        {
            _tls?.Output.Finish();
        }
        else
        {
            _tls?.Output.Close();
        }

        _pump.Stop();
        await _output.Writer.CompleteAsync();
        await _pump.Completion;
        if (leaves && IsToLeave)
        {
            // On the shard's thread, where the handoff begins next.
            byte[] unread = Input.TakeUnread(withHead: Carried is null);
            var tls = _tls?.Leave(unread);
            _ = LeaveAsync(_tls is null ? unread : HandoffInput.TakeAll(_raw), new CarriedConnection(Carried, tls));
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
        else
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            if (_carriedTls is not null)
            {
                KestrelLog.CannotGoOn(_logger, ConnectionId, "it speaks TLS, and nothing here goes on with that: no UseBatonTls, or the server stops");
                Connection.Abort();
            }

            Input.Release();
            _owner.Forget(this);
            await Connection.DisposeAsync();
        }

        _raw.Complete();
        _tls?.Dispose();
        _ = _closed.CancelAsync();
    }

    private bool IsToLeave =>
        (Input.IsParked || Carried is not null) && !_aborted && !Connection.HasLeft && _tls is null or { CanLeave: true };

    private async Task LeaveAsync(byte[] unread, CarriedConnection carried)
    {
        try
        {
            await Connection.HandOffAsync(new HandOffRequest
            {
                Target = _placement ?? Connection.RequestedMove?.Target,
                Context = carried.Encode(_owner.Seal, Connection.Flow),
                Unread = unread,
            });
            carried.Tls?.State.Session.Wipe();
        }
        catch (HandOffRejectedException rejected)
        {
            KestrelLog.StaysHere(_logger, ConnectionId, rejected.Result.Outcome, rejected.Result.Reason);
            _owner.Readmit(Connection, unread, carried);
        }
        catch (BatonException)
        {
            // The connection has ended meanwhile: there is nothing left to move.
        }
        finally
        {
            _owner.Forget(this);
        }
    }

    void IPumpOwner.OnMoveRequested()
    {
        if (Volatile.Read(ref _disposed) == 0)
        {
            Input.RequestMove();
            CloseWhenDrained();
        }
    }

    void IPumpOwner.OnInputEnded() => OnEnded();

    void IPumpOwner.OnClosed() => OnEnded();

    private void CloseWhenDrained()
    {
        if (Input.Stage == ConnectionStage.Opaque && Connection.RequestedMove?.Cause == MoveCause.Drain)
        {
            // It cannot move: HTTP/2 says GOAWAY (RFC 9113 §6.8), HTTP/1.1 closes after the request that runs. Not on the
            // shard's thread, which may be this one.
            ThreadPool.UnsafeQueueUserWorkItem(
                static connection => connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose(), this, preferLocal: false);
        }
    }

    private void OnEnded()
    {
        if (Volatile.Read(ref _disposed) == 0)
        {
            _ = _closed.CancelAsync();
        }
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}

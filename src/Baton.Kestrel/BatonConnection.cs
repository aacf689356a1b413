using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Baton.Engine;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel;

/// <summary>
/// One connection of the farm as Kestrel's transport. Input is read off the connection when Kestrel asks for it, output
/// goes through a pipe, so that back-pressure reaches the client's TCP in both directions.
/// </summary>
internal sealed class BatonConnection : ConnectionContext,
    IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature,
    IMemoryPoolFeature, IBatonConnectionFeature
{
    private readonly IConnectionOwner _owner;
    private readonly ILogger _logger;
    private readonly Pipe _output;
    private readonly Task _sending;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _moveRequested;
    private readonly CancellationTokenRegistration _inputEnded;
    private readonly CancellationTokenRegistration _ended;
    private CarriedExchange? _resumed;
    private int _disposed;
    private volatile bool _aborted;

    /// <param name="connection">The connection; it is this object's from now on.</param>
    /// <param name="first">Bytes of the stream that were taken off the connection already.</param>
    /// <param name="resumed">The exchange that goes on here, or null.</param>
    /// <param name="options">The transport's options.</param>
    /// <param name="owner">Who is told what becomes of it.</param>
    /// <param name="logger">Where is said what goes wrong.</param>
    public BatonConnection(
        Connection connection,
        ReadOnlyMemory<byte> first,
        CarriedExchange? resumed,
        BatonTransportOptions options,
        IConnectionOwner owner,
        ILogger logger)
    {
        Connection = connection;
        _resumed = resumed;
        _owner = owner;
        _logger = logger;
        MemoryPool = options.MemoryPoolFactory();
        _output = new Pipe(new PipeOptions(
            MemoryPool,
            readerScheduler: PipeScheduler.Inline,
            writerScheduler: PipeScheduler.ThreadPool,
            pauseWriterThreshold: options.MaxWriteBufferSize ?? 0,
            resumeWriterThreshold: (options.MaxWriteBufferSize ?? 0) / 2,
            useSynchronizationContext: false));
        Output = new HandoffOutput(_output.Writer, resumed, RefuseResponse);
        Input = new HandoffInput(
            PipeReader.Create(new TransportStream(connection, first), new StreamPipeReaderOptions(MemoryPool, leaveOpen: true)),
            Output,
            resumed?.Head ?? default,
            options);
        Transport = new DuplexPipe(Input, Output);
        ConnectionId = connection.Id.ToString();
        LocalEndPoint = new IPEndPoint(connection.Flow.Tuple.LocalAddress.ToIPAddress(), connection.Flow.Tuple.LocalPort);
        RemoteEndPoint = new IPEndPoint(connection.Flow.Tuple.RemoteAddress.ToIPAddress(), connection.Flow.Tuple.RemotePort);
        ConnectionClosed = _closed.Token;
        Features = new FeatureCollection(8);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
        Features.Set<IBatonConnectionFeature>(this);
        Features.Set(this);
        _sending = SendAsync();
        _inputEnded = connection.InputEnded.UnsafeRegister(static (state, _) => ((BatonConnection)state!).OnEnded(), this);
        _ended = connection.Closed.UnsafeRegister(static (state, _) => ((BatonConnection)state!).OnEnded(), this);
        _moveRequested = connection.MoveRequested.UnsafeRegister(static (state, _) => ((BatonConnection)state!).OnMoveRequested(), this);
    }

    /// <summary>The engine's connection.</summary>
    public Connection Connection { get; }

    /// <summary>The exchange that is to go on at the next node, or null.</summary>
    public CarriedExchange? Carried { get; set; }

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

        _moveRequested.Unregister();
        _inputEnded.Unregister();
        _ended.Unregister();
        await _output.Writer.CompleteAsync();
        await _sending;
        if ((Input.IsParked || Carried is not null) && !_aborted && !Connection.Closed.IsCancellationRequested)
        {
            byte[] unread = Input.TakeUnread(withHead: Carried is null);
            _ = LeaveAsync(unread);
        }
        else
        {
            Input.Release();
            _owner.Forget(this);
            await Connection.DisposeAsync();
        }

        _ = _closed.CancelAsync();
    }

    private async Task LeaveAsync(byte[] unread)
    {
        try
        {
            await Connection.HandOffAsync(new HandOffRequest
            {
                Target = Connection.RequestedMove?.Target,
                Context = Carried?.Encode() ?? [],
                Unread = unread,
            });
        }
        catch (HandOffRejectedException rejected)
        {
            KestrelLog.StaysHere(_logger, ConnectionId, rejected.Result.Outcome, rejected.Result.Reason);
            _owner.Readmit(Connection, unread, Carried);
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

    private void OnMoveRequested()
    {
        Input.RequestMove();
        if (Input.Stage == ConnectionStage.Opaque && Connection.RequestedMove?.Cause == MoveCause.Drain)
        {
            // It cannot move: HTTP/2 says GOAWAY (RFC 9113 §6.8), HTTP/1.1 closes after the request that runs.
            Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
    }

    private void OnEnded() => _ = _closed.CancelAsync();

    private void RefuseResponse(string why)
    {
        KestrelLog.CannotGoOn(_logger, ConnectionId, why);
        Abort(new ConnectionAbortedException(why));
    }

    private async Task SendAsync()
    {
        var reader = _output.Reader;
        Exception? failure = null;
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync();
                var waiting = result.Buffer;
                int sent = waiting.IsEmpty ? 0 : await Connection.SendAsync(waiting);
                bool isAll = sent == waiting.Length;
                reader.AdvanceTo(waiting.GetPosition(sent));
                if ((result.IsCompleted && isAll) || result.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (BatonException ended)
        {
            failure = new ConnectionResetException(ended.Message, ended);
        }

        await reader.CompleteAsync(failure);
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}

using System.Net;
using Baton.Link;
using Baton.Membership;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A node of the farm: its links, its stack, its part of the directory, and the applications bound to it.</summary>
public sealed class BatonEngine : IAsyncDisposable
{
    private readonly Shard _shard;
    private readonly ShardThread[] _threads;
    private readonly EngineOptions _options;
    private readonly CancellationTokenSource _stopping = new();
    private readonly bool _inline;
    private int _disposed;

    private BatonEngine(Shard shard, EngineOptions options)
    {
        _shard = shard;
        _options = options;
        _threads = [.. shard.Shards.Select(each => new ShardThread(each, each.Index == 0 ? options.Node : $"{options.Node}.{each.Index}", options))];
        Stopped = StopTogetherAsync();
        _inline = shard.Options.Continuations == ContinuationScheduling.Inline;
        shard.QueryReceived = (from, number, request) => _ = AnswerAsync(from, number, request);
        foreach (var each in shard.Shards)
        {
            each.HandoffEnded = OnHandoffEnded;
        }

        shard.PeerRefused = OnPeerRefused;
    }

    /// <summary>Answers a query of another member. Runs on the thread pool.</summary>
    /// <param name="from">The member that asks.</param>
    /// <param name="request">What it asks; opaque to the engine.</param>
    /// <param name="cancellationToken">Cancelled when the engine stops.</param>
    public delegate ValueTask<ReadOnlyMemory<byte>> QueryHandler(
        MemberDescription from, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);

    /// <summary>Called for each handoff that ends, on the thread pool.</summary>
    public event Action<HandoffEvent>? HandoffEnded;

    /// <summary>Called for a peer with which no keys could be agreed on, on the thread pool: once for each reason, and again after an hour.</summary>
    public event Action<PeerRefusedEvent>? PeerRefused;

    /// <summary>This node, with the state that it last told the others.</summary>
    public MemberDescription Self =>
        Describe(_shard.Farm.Self, _shard.Members.TryFind(_shard.Farm.Self.Id, out var own) ? own : null);

    /// <summary>The first core, for tests that change what no caller may.</summary>
    internal Shard Shard => _shard;

    /// <summary>What answers queries of other members; null answers nothing.</summary>
    public QueryHandler? OnQuery { get; set; }

    /// <summary>Ends when the engine has stopped; with its failure, if one stopped it.</summary>
    public Task Stopped { get; }

    /// <summary>
    /// Starts the node: from then on it answers for its addresses and takes connections, which wait unattached until an
    /// application is bound.
    /// </summary>
    /// <exception cref="ArgumentException">The options contradict themselves; every error is named.</exception>
    public static async ValueTask<BatonEngine> StartAsync(EngineOptions options, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        options = options with { WallClock = TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch - (MonotonicClock.Now - Instant.Zero) };
        ulong incarnation = options.Incarnation ?? (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var shard = new Shard(options, MonotonicClock.Now, incarnation) { MeasureCpu = new ProcessorMeter().Measure };
        var engine = new BatonEngine(shard, options);
        foreach (var thread in engine._threads)
        {
            thread.Start();
        }

        // The first run has been: the node answers.
        await engine.OfAll(static _ => true).ConfigureAwait(false);
        return engine;
    }

    /// <summary>All members as of now, this node among them.</summary>
    public IReadOnlyList<MemberDescription> Members => [.. _shard.Members.Members.Select(member => Describe(member.Member, member))];

    /// <summary>
    /// Binds an application to a TCP service. Unattached endpoints of the service that wait for it are accepted at once.
    /// </summary>
    /// <exception cref="BatonException">There is no such service, or the application is bound to it already.</exception>
    public async ValueTask<Listener> BindAsync(
        BatonEndPoint endPoint, string application, ListenerOptions? options = null, CancellationToken cancellationToken = default) =>
        new(await BindAsync(endPoint, IpProtocol.Tcp, application, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Binds an application to a UDP service.</summary>
    /// <exception cref="BatonException">There is no such service, or the application is bound to it already.</exception>
    public async ValueTask<DatagramListener> BindDatagramAsync(
        BatonEndPoint endPoint, string application, ListenerOptions? options = null, CancellationToken cancellationToken = default) =>
        new(await BindAsync(endPoint, IpProtocol.Udp, application, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Connects from this node's own front address (or lan address, for a destination on the lan).</summary>
    /// <exception cref="BatonException">The connection was refused, or timed out.</exception>
    public ValueTask<Connection> ConnectAsync(IPEndPoint remote, string application, CancellationToken cancellationToken = default) =>
        ConnectAsync(remote, application, new ConnectOptions(), cancellationToken);

    /// <inheritdoc cref="ConnectAsync(IPEndPoint, string, CancellationToken)"/>
    /// <exception cref="ArgumentException">A value of the options is none; every error is named.</exception>
    public async ValueTask<Connection> ConnectAsync(
        IPEndPoint remote, string application, ConnectOptions options, CancellationToken cancellationToken = default)
    {
        options.Connection?.Validate();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.FastOpen?.Length ?? 0, Tcp.TcpSettings.Default.SendBufferLimit, nameof(options));
        var done = new TaskCompletionSource<AsyncEndpoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        var endpoint = new AsyncEndpoint(_shard, _inline) { Accepted = accepted => done.TrySetResult(accepted) };
        await _shard.Call(shard =>
        {
            shard.Connect(
                InetAddress.FromIPAddress(remote.Address),
                (ushort)remote.Port,
                application,
                endpoint,
                options,
                why => done.TrySetException(new BatonException($"{remote} cannot be connected to: {why}.")));
            return true;
        }).ConfigureAwait(false);
        try
        {
            return new Connection(await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            _ = done.Task.ContinueWith(
                static (task, _) => _ = task.Result.CallIfHere(static attachment => attachment.Abort()),
                null,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Attaches an application to an unattached TCP endpoint at this node.</summary>
    /// <exception cref="BatonException">There is no such endpoint, or it has an application.</exception>
    public async ValueTask<Connection> AttachAsync(EndpointId endpoint, string application, CancellationToken cancellationToken = default) =>
        new(await AttachAsync(endpoint, IpProtocol.Tcp, application, cancellationToken).ConfigureAwait(false));

    /// <summary>Attaches an application to an unattached UDP endpoint at this node.</summary>
    /// <exception cref="BatonException">There is no such endpoint, or it has an application.</exception>
    public async ValueTask<DatagramConnection> AttachDatagramAsync(
        EndpointId endpoint, string application, CancellationToken cancellationToken = default) =>
        new(await AttachAsync(endpoint, IpProtocol.Udp, application, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Moves an endpoint of this node: by the engine itself when it is unattached or its application moves transparently,
    /// else by asking its application. Completes with the outcome.
    /// </summary>
    public async ValueTask<MoveResult> MoveAsync(EndpointId endpoint, string target, CancellationToken cancellationToken = default)
    {
        var done = new TaskCompletionSource<MoveResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        await ShardOf(endpoint).Call(shard =>
        {
            shard.RequestMove(endpoint, target, MoveCause.Operator, result => done.TrySetResult(result));
            return true;
        }).ConfigureAwait(false);
        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Drains the node: it takes no new connections of its own choice, gives those it has to other members, and then its
    /// service addresses with the directory of their flows. Completes when nothing is left, so that the process may exit and
    /// stay away; a cancelled drain leaves the node as <see cref="ResumeAsync"/> would.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled, or called off by <see cref="ResumeAsync"/>.</exception>
    public async ValueTask<DrainProgress> DrainAsync(IProgress<DrainProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var done = new TaskCompletionSource<DrainProgress>(TaskCreationOptions.RunContinuationsAsynchronously);
        var job = await _shard.Call(shard =>
        {
            shard.SetDraining(true);
            DrainJob? started = null;
            started = shard.Moves.Drain(report =>
            {
                progress?.Report(report);
                if (started is { IsCalledOff: true })
                {
                    done.TrySetCanceled();
                }
                else if (started is { IsOver: true })
                {
                    done.TrySetResult(report);
                }
            });
            return started;
        }).ConfigureAwait(false);
        try
        {
            return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await _shard.Call(shard =>
            {
                shard.Moves.Cancel(job);
                shard.Resume();
                return true;
            }).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Ends the state that a drain left: the node takes connections again, and asks for the service addresses that are its
    /// own by configuration. A drain that still runs is called off.
    /// </summary>
    public ValueTask ResumeAsync() => new(_shard.Call(shard =>
    {
        shard.Resume();
        return true;
    }));

    /// <summary>
    /// Takes the service addresses of a dead member, as an operator wants. It is done when more than half of all members say
    /// that they have heard nothing of it for as long as it could have gone on by itself; with <paramref name="force"/> when
    /// this node has not, and the operator has made sure that the member is off.
    /// </summary>
    /// <exception cref="BatonException">There is no such member.</exception>
    public async ValueTask<TakeoverOutcome> TakeOverAsync(string member, bool force = false, CancellationToken cancellationToken = default)
    {
        if (!_shard.Farm.Members.TryFind(member, out var from))
        {
            throw new BatonException($"There is no node '{member}'.");
        }

        var done = new TaskCompletionSource<TakeoverOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _shard.Call(shard =>
        {
            shard.TakeOver(from.Id, force, outcome => done.TrySetResult(outcome));
            return true;
        }).ConfigureAwait(false);
        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The farm's service addresses: who is home of each, and what this node is for it.</summary>
    public ValueTask<IReadOnlyList<HomeDescription>> HomesAsync() => new(_shard.Call(static shard => shard.DescribeHomes()));

    /// <summary>The endpoints of this node.</summary>
    public async ValueTask<IReadOnlyList<EndpointDescription>> EndpointsAsync() =>
        OfOne(await OfAll(static shard => shard.DescribeAll()).ConfigureAwait(false), static all => [.. all.OrderByDescending(e => e.Age).ThenBy(e => e.Id.Value)]);

    /// <summary>One endpoint of this node, or null.</summary>
    public ValueTask<EndpointDescription?> FindAsync(EndpointId endpoint) =>
        new(ShardOf(endpoint).Call(shard => shard.Stack.Find(endpoint) is { } found ? shard.Describe(found) : null));

    /// <summary>The directory: flows this node is home of, local ones and forwarded ones.</summary>
    public async ValueTask<IReadOnlyList<ForwardingEntry>> ForwardingEntriesAsync() =>
        OfOne(await OfAll(static shard => shard.ForwardingEntries()).ConfigureAwait(false), static all => [.. all]);

    /// <summary>Removes a flow from the directory: its packets are not forwarded any more.</summary>
    public ValueTask<bool> RemoveForwardingEntryAsync(Flow flow) =>
        new(_shard.Shards[_shard.Steering.OfFlow(in flow)].Call(shard => shard.Flows.Remove(flow)));

    /// <summary>
    /// Shows every client's packet that this node decides on to <paramref name="tracer"/> from now on; null ends that. Of a
    /// node with several shards each calls it on its own thread.
    /// </summary>
    public async ValueTask TraceAsync(PacketTracer? tracer) => await OfAll(shard =>
    {
        shard.Tracer = tracer;
        return true;
    }).ConfigureAwait(false);

    /// <summary>What was counted so far.</summary>
    public async ValueTask<EngineCounters> CountersAsync() =>
        (await OfAll(static shard => shard.Counters()).ConfigureAwait(false)).Aggregate(EngineCounters.Add);

    /// <summary>
    /// Why the connections of a client's address and port were placed or asked to move, as far as this node decided it and
    /// still knows (<see cref="EngineLimits.Placements"/>); oldest first.
    /// </summary>
    public async ValueTask<IReadOnlyList<PlacementDecision>> ExplainPlacementAsync(IPEndPoint client)
    {
        ArgumentNullException.ThrowIfNull(client);
        var (address, port) = (InetAddress.FromIPAddress(client.Address), (ushort)client.Port);
        return OfOne(
            await OfAll(shard => shard.ExplainPlacement(address, port)).ConfigureAwait(false),
            static all => [.. all.OrderByDescending(decision => decision.Age)]);
    }

    /// <summary>The last handoffs that this node took part in, oldest first.</summary>
    public async ValueTask<IReadOnlyList<HandoffEvent>> HandoffsAsync() =>
        OfOne(await OfAll(static shard => shard.HandoffEvents()).ConfigureAwait(false), static all => [.. all.OrderBy(handoff => handoff.At)]);

    /// <summary>Asks another member; its <see cref="OnQuery"/> answers.</summary>
    /// <exception cref="BatonException">The member cannot be reached, or did not answer in time.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> QueryAsync(
        string node, ReadOnlyMemory<byte> request, CancellationToken cancellationToken = default)
    {
        if (!_shard.Farm.Members.TryFind(node, out var member))
        {
            throw new BatonException($"There is no node '{node}'.");
        }

        if (request.Length > _shard.Options.Limits.QueryBytes)
        {
            throw new ArgumentException($"A query has at most {_shard.Options.Limits.QueryBytes} bytes.", nameof(request));
        }

        var done = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _shard.Call(shard =>
        {
            shard.Ask(member.Id, request.Span, (answer, why) =>
            {
                if (answer is not null)
                {
                    done.TrySetResult(answer);
                }
                else
                {
                    done.TrySetException(new BatonException($"The {why}."));
                }
            });
            return true;
        }).ConfigureAwait(false);
        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the node: its endpoints are reset, its links closed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.Run(() => Array.ForEach(_threads, static thread => thread.Dispose())).ConfigureAwait(false);
        foreach (var shard in _shard.Shards)
        {
            shard.Dispose();
        }

        foreach (var link in (ILink[])[_options.Front.Link, .. _options.Front.FurtherQueues, _options.Lan.Link, .. _options.Lan.FurtherQueues])
        {
            link.Dispose();
        }

        _options.Nic?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>A node does not go on with some of its shards.</summary>
    private async Task StopTogetherAsync()
    {
        var first = await Task.WhenAny(_threads.Select(static thread => thread.Stopped)).ConfigureAwait(false);
        if (first.IsFaulted)
        {
            Array.ForEach(_threads, static thread => thread.Stop());
        }

        try
        {
            await Task.WhenAll(_threads.Select(static thread => thread.Stopped)).ConfigureAwait(false);
        }
        catch
        {
            foreach (var shard in _shard.Shards)
            {
                shard.End();
            }

            throw;
        }
    }

    private Shard ShardOf(EndpointId endpoint) => _shard.Shards[_shard.Steering.OfEndpoint(endpoint)];

    private Task<T[]> OfAll<T>(Func<Shard, T> function) => Task.WhenAll(_shard.Shards.Select(shard => shard.Call(function)));

    private static IReadOnlyList<T> OfOne<T>(IReadOnlyList<T>[] lists, Func<IEnumerable<T>, IReadOnlyList<T>> join) =>
        lists.Length == 1 ? lists[0] : join(lists.SelectMany(static list => list));

    private async Task<AcceptQueue> BindAsync(
        BatonEndPoint endPoint, IpProtocol protocol, string application, ListenerOptions? options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(application);
        var queue = new AcceptQueue(_shard.Shards, endPoint, protocol, application, options ?? new ListenerOptions());
        await queue.StartAsync().ConfigureAwait(false);
        return queue;
    }

    private async Task<AsyncEndpoint> AttachAsync(
        EndpointId id, IpProtocol protocol, string application, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var endpoint = new AsyncEndpoint(ShardOf(id), _inline);
        await ShardOf(id).Call(shard =>
        {
            if (shard.Stack.Find(id) is { } found && found.Flow.Protocol != protocol)
            {
                throw new BatonException($"The endpoint {id} is one of {found.Flow.Protocol}.");
            }

            return shard.Attach(id, application, endpoint);
        }).ConfigureAwait(false);
        return endpoint;
    }

    private MemberDescription Describe(Member member, MemberView? view) => new(
        member.Id,
        member.Name,
        member.LanAddress,
        member.FrontAddress,
        member.ServiceAddresses,
        member.Id == _shard.Farm.Self.Id
            || (view is { Status: not MemberStatus.Unreachable } && _shard.Channels.IsUp(member.Id)),
        view is { } known && known.State.Node != NodeId.None ? known.State : null);

    private async Task AnswerAsync(NodeId from, ulong number, byte[] request)
    {
        ReadOnlyMemory<byte>? answer = null;
        await Task.Yield();
        try
        {
            if (OnQuery is { } handler && _shard.Farm.Members.TryFind(from, out var member))
            {
                answer = await handler(Describe(member, null), request, _stopping.Token).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // A handler's failure is the asker's "not answered".
        catch (Exception)
#pragma warning restore CA1031
        {
            answer = null;
        }

        await _shard.Call(shard =>
        {
            shard.Answer(from, number, answer is { Length: var length } && length <= shard.Options.Limits.QueryBytes ? answer : null);
            return true;
        }).ConfigureAwait(false);
    }

    private void OnPeerRefused(PeerRefusedEvent refused)
    {
        if (PeerRefused is { } observers)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.observers(state.refused), (observers, refused), preferLocal: false);
        }
    }

    private void OnHandoffEnded(HandoffEvent handoff)
    {
        if (HandoffEnded is { } observers)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.observers(state.handoff), (observers, handoff), preferLocal: false);
        }
    }
}

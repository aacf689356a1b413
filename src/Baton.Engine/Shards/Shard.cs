using Baton.Director;
using Baton.Handoff;
using Baton.Link;
using Baton.Membership;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// A node's core: one thread's links, stack, directory, handoffs and applications, joined. It owns no clock and no
/// thread: <see cref="Run"/> does what there is to do and says when to be called again, so that a simulator can drive a
/// whole farm in virtual time with the production code.
/// </summary>
public sealed class Shard : IDisposable
{
    private const int MaxFramesPerRun = 512;

    // While the thread spins, a look at a quiet lan each time would lie on the way of a client's request.
    private static readonly TimeSpan LanPeriod = TimeSpan.FromMicroseconds(2);
    private static readonly TimeSpan s_standStill = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan CookieKeyLife = TimeSpan.FromHours(1);

    private readonly WorkQueue _works = new();
    private readonly Lock _afterEnd = new();
    private readonly PacketPath _path;
    private readonly Transmission _transmission;
    private readonly NodeServices? _services;
    private MembershipView _members = null!;
    private readonly TimeSpan _mayRunAlone;
    private long _ranAt;
    private long _live;
    private long _unread;
    private volatile bool _ended;
    private Instant _nextCookieKey;
    private Instant _nextLanLook;

    /// <summary>Makes a node.</summary>
    /// <param name="options">What it is.</param>
    /// <param name="now">The time.</param>
    /// <param name="incarnation">Number of this start, when the options have none.</param>
    /// <exception cref="ArgumentException">The options contradict themselves; the message names every error.</exception>
    public Shard(EngineOptions options, Instant now, ulong incarnation = 1)
        : this(options, now, incarnation, first: null, index: 0)
    {
    }

    private Shard(EngineOptions whole, Instant now, ulong incarnation, Shard? first, int index)
    {
        Farm = FarmModel.Create(whole);
        var options = whole.OfShard(index);
        Options = options;
        Index = index;
        First = first ?? this;
        Shards = [this];
        Now = Started = now;
        _ranAt = now.Ticks;
        _mayRunAlone = ShardSettings.Home(options).LeaseMargin * 3 / 4;
        Random = new RandomBits(options.Seed);
        Incarnation = options.Incarnation ?? incarnation;
        Steering = new Steering(Farm, options.Keys.Flow, options.Shards);
        var limits = options.Limits;
        Stack = new NetworkStack(ShardSettings.Stack(options, Farm, Drops));
        var front = Stack.AddInterface(ShardSettings.Front(options, Farm, reportGroups: index == 0), now);
        var lan = Stack.AddInterface(ShardSettings.Lan(options, Farm, reportGroups: index == 0), now);
        Flows = new FlowTable(Farm.Self.Id, options.Keys.Flow, limits.Flows);
        Tombstones = new TombstoneTable(ShardSettings.Director(limits));
        Lan = new LanForwarding(this, options.Lan.Link);
        Applications = new ApplicationTable(this);
        Placer = new Placer(this);
        Placements = new PlacementLog(Farm, limits.Placements);
        Handoffs = new HandoffRouter(this, ShardSettings.Handoff(options));
        HomeShare = new HomeShare(this);
        Nic = options.Nic is { } nic ? new NicMirror(this, nic) : null;
        Moves = new MoveDesk(this);
        _path = new PacketPath(this, front, lan);
        _transmission = new Transmission(this, _path.Counters, options.Front.Link, options.Lan.Link, front);
        if (first is not null)
        {
            Node = new NodeCopy(this);
            return;
        }

        Node = new NodeHere(this);
        _services = new NodeServices(this, front);
        _members = Exchange.View;
        Shard[] others = [.. Enumerable.Range(1, options.Shards - 1).Select(other => new Shard(whole, now, incarnation, this, other))];
        if (others.Length > 0)
        {
            Shards = [this, .. others];
            var crossings = Crossing.Join(Shards);
            foreach (var shard in Shards)
            {
                (shard.Shards, shard.Crossing) = (Shards, crossings[shard.Index]);
            }
        }

        Homes.RouteAll();
    }

    /// <summary>What the shard was made from: of several, its queues and its share of the limits.</summary>
    public EngineOptions Options { get; }

    /// <summary>The node's shards, this one among them. Each is run by a thread of its own, or all by one.</summary>
    public IReadOnlyList<Shard> Shards { get; private set; }

    /// <summary>Its place among them; the one at 0 has what a node has once.</summary>
    public int Index { get; }

    /// <summary>The time of the present run.</summary>
    public Instant Now { get; private set; }

    /// <summary>When the node was made.</summary>
    public Instant Started { get; }

    /// <summary>Whether the last run found something to do.</summary>
    public bool WasBusy { get; private set; }

    /// <summary>Whether works, or frames of other shards, wait.</summary>
    public bool HasWorks => !_works.IsEmpty || Crossing is { HasFrames: true };

    /// <summary>The node gives its endpoints away and takes no new ones.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>What was dropped, and why.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>The stack; a simulator looks at its invariants.</summary>
    public NetworkStack Stack { get; }

    /// <summary>The directory of the flows that this node is home of.</summary>
    public FlowTable Flows { get; }

    /// <summary>What is left of endpoints that went.</summary>
    public TombstoneTable Tombstones { get; }

    /// <summary>The members and their states.</summary>
    public LoadExchange Exchange => Services.Exchange;

    /// <summary>Handoffs under way.</summary>
    public int RunningHandoffs => Handoffs.Running;

    /// <summary>Called for each handoff that ends, on the shard's thread.</summary>
    public Action<HandoffEvent>? HandoffEnded
    {
        get => Handoffs.Log.Observer;
        set => Handoffs.Log.Observer = value;
    }

    /// <summary>Called for each query of a peer, on the shard's thread: the peer, the query's number, the request.</summary>
    public Action<NodeId, ulong, byte[]>? QueryReceived { get; set; }

    /// <summary>Sees each packet of a client that is decided on; null for nobody.</summary>
    public PacketTracer? Tracer { get; set; }

    /// <summary>Gives the processor time that the node's process uses, in thousandths of a core.</summary>
    public Func<uint> MeasureCpu { get; set; } = static () => 0;

    /// <summary>The members as last known; readable from any thread.</summary>
    public MembershipView Members
    {
        get => Volatile.Read(ref First._members);
        internal set => Volatile.Write(ref First._members, value);
    }

    /// <summary>The node's first shard; that itself for the first.</summary>
    internal Shard First { get; }

    internal FarmModel Farm { get; }

    internal RandomBits Random { get; }

    internal ulong Incarnation { get; }

    internal LanForwarding Lan { get; }

    internal ApplicationTable Applications { get; }

    internal Placer Placer { get; }

    internal PlacementLog Placements { get; }

    internal HandoffRouter Handoffs { get; }

    /// <summary>What this shard asks of the node as a whole.</summary>
    internal INode Node { get; }

    /// <summary>What a node has once.</summary>
    /// <exception cref="InvalidOperationException">This is not the first shard.</exception>
    internal NodeServices Services => _services ?? throw new InvalidOperationException($"Shard {Index} asks for what only the first has.");

    internal HomeRouter Homes => Services.Homes;

    internal HomeShare HomeShare { get; }

    internal Steering Steering { get; }

    /// <summary>The way to the other shards; null for a shard that is alone.</summary>
    internal Crossing? Crossing { get; private set; }

    internal NicMirror? Nic { get; }

    internal MoveDesk Moves { get; }

    internal PeerChannels Channels => Services.Channels;

    /// <summary>The sessions with the peers; null in a farm that does not authenticate its members.</summary>
    internal PeerSessions? Sessions => Services.Sessions;

    /// <summary>Called for a peer with which no keys could be agreed on, on the shard's thread.</summary>
    internal Action<PeerRefusedEvent>? PeerRefused { get; set; }

    internal PathCounters Path => _path.Counters;

    internal IReadOnlyList<ILink> Links => [Options.Front.Link, Options.Lan.Link];

    /// <summary>Called after a work was posted, to wake the thread that runs the shard.</summary>
    internal Action? Waker { get; set; }

    /// <summary>Called instead when it is the answer of the only application that is spoken to.</summary>
    internal Action? Answered { get; set; }

    /// <summary>With whom the shard's clients speak.</summary>
    internal LoneConversation Conversation { get; } = new();

    /// <summary>
    /// Does what there is to do at <paramref name="now"/> (nothing, while the node's first shard stands still): takes frames, decides, delivers or forwards, runs timers,
    /// applications and the handoff protocol, sends. The time never goes back.
    /// </summary>
    /// <returns>When to call again at the latest; sooner when a frame comes or a work is posted.</returns>
    public Instant Run(Instant now)
    {
        Now = now;
        if (Index == 0)
        {
            Volatile.Write(ref _ranAt, now.Ticks);
        }
        else if (now - new Instant(Volatile.Read(ref First._ranAt)) > _mayRunAlone)
        {
            // Nobody looks whether the leases hold by which this shard speaks.
            WasBusy = false;
            return now + s_standStill;
        }

        bool busy = RunWorks();

        busy |= Crossing?.Receive(_path, Options.Limits.BurstFrames) == true;

        // The front last: what it brings is answered without a look at the lan in between.
        bool looksAtLan = _nextLanLook <= now;
        if (looksAtLan)
        {
            bool any = Options.Lan.Link.Receive(_path.Lan, Options.Limits.BurstFrames) > 0;
            _nextLanLook = any ? now : now + LanPeriod;
            busy |= any;
        }

        busy |= Options.Front.Link.Receive(_path.Front, Options.Limits.BurstFrames) > 0;
        Crossing?.Flush();
        RunDeadlines();
        bool more;
        int frames = 0;
        do
        {
            more = DispatchEvents();
            more |= Handoffs.RouteAll();
            int sent = _transmission.SendAll(MaxFramesPerRun - frames);
            frames += sent;
            busy |= more || sent > 0;
        }
        while (more && frames < MaxFramesPerRun);
        _transmission.Flush();
        Nic?.OnRun();
        if (Index > 0)
        {
            PublishLoad();
        }

        WasBusy = busy;
        return frames >= MaxFramesPerRun || HasWorks ? now
            : looksAtLan ? NextDeadline() : Instant.Min(NextDeadline(), _nextLanLook);
    }

    /// <summary>Binds an application to a service at this node.</summary>
    /// <exception cref="BatonException">There is no such service, or the application is bound to it already.</exception>
    public void Bind(ApplicationBinding binding) => Applications.Add(binding);

    /// <summary>Unbinds it; its endpoints stay with it.</summary>
    public void Unbind(ApplicationBinding binding) => Applications.Remove(binding);

    /// <summary>Gives endpoints that wait to a binding that can take more again.</summary>
    public void BindWaiting(ApplicationBinding binding) => Applications.BindWaiting(binding);

    /// <summary>Attaches an application to an unattached endpoint.</summary>
    /// <exception cref="BatonException">There is no such endpoint, or it has an application or is in a handoff.</exception>
    public Attachment Attach(EndpointId id, string name, IEndpointApplication application)
    {
        if (Stack.Find(id) is not { Phase: EndpointPhase.Active } endpoint
            || EndpointRecord.Of(endpoint) is not { Attachment: null, Running: null } record)
        {
            throw new BatonException($"There is no unattached endpoint {id} here.");
        }

        return Applications.Attach(record, application, name, $"{name}, attached", transparent: false);
    }

    /// <summary>Opens a connection from this node's own address.</summary>
    /// <param name="remote">Where to.</param>
    /// <param name="port">The port there.</param>
    /// <param name="name">The application's name.</param>
    /// <param name="application">The application, attached when the connection is established.</param>
    /// <param name="options">How.</param>
    /// <param name="onFailed">Called once when it is not, with the reason.</param>
    public void Connect(
        InetAddress remote, ushort port, string name, IEndpointApplication application, ConnectOptions options, Action<string> onFailed) =>
        Services.Outgoing.Begin(remote, port, name, application, options, onFailed);

    /// <summary>Asks for a move; <paramref name="onEnded"/> is called once with the outcome.</summary>
    public void RequestMove(EndpointId id, string? target, MoveCause cause, Action<MoveResult>? onEnded) =>
        Moves.Request(id, target, cause, onEnded);

    /// <summary>Sets whether the node takes new endpoints.</summary>
    public void SetDraining(bool draining)
    {
        OnEach(shard => shard.IsDraining = draining);
        Homes.SetDeclining(draining);
        Services.TellNow();
    }

    /// <summary>Ends a drain's state: the node takes endpoints again, and the addresses that are its own by configuration.</summary>
    public void Resume()
    {
        Moves.CallOffDrain();
        SetDraining(false);
        Homes.TakeBack();
    }

    /// <summary>Begins to give one service address to another member; false when this node is not its home.</summary>
    public bool YieldHome(InetAddress address, NodeId heir) => Homes.Yield(address, heir);

    /// <summary>Whether this node answers for a service address at present.</summary>
    public bool AnswersFor(InetAddress address) => Node.Answers(address);

    /// <summary>Whether this node's endpoint of a flow may emit: the lease of its home holds.</summary>
    public bool MaySpeakFor(in Flow flow) => Node.MaySpeak(flow.Tuple.LocalAddress);

    /// <summary>Takes the service addresses of a dead member; <paramref name="onEnded"/> is called once.</summary>
    public void TakeOver(NodeId from, bool force, Action<TakeoverOutcome> onEnded) => Homes.TakeOver(from, force, onEnded);

    /// <summary>Begins to give every endpoint away; <paramref name="onProgress"/> is called until none remains.</summary>
    public void Drain(Action<DrainProgress> onProgress)
    {
        SetDraining(true);
        Moves.Drain(onProgress);
    }

    /// <summary>Asks a peer.</summary>
    public void Ask(NodeId node, ReadOnlySpan<byte> request, Action<byte[]?, string?> onAnswer) => Channels.Ask(node, request, onAnswer);

    /// <summary>Answers a peer's query; null says that queries are not answered here.</summary>
    public void Answer(NodeId node, ulong number, ReadOnlyMemory<byte>? answer) =>
        Channels.Answer(node, number, answer is not null, answer.GetValueOrDefault().Span);

    /// <summary>Whether messages can be sent to a peer.</summary>
    public bool IsChannelUp(NodeId peer) => Node.IsUp(peer);

    /// <summary>One endpoint as of now.</summary>
    public EndpointDescription Describe(Endpoint endpoint) => ShardReports.Describe(this, endpoint);

    /// <summary>The endpoints of services as of now.</summary>
    public IReadOnlyList<EndpointDescription> DescribeAll() => ShardReports.DescribeAll(this);

    /// <summary>The service addresses, and what this node is for each.</summary>
    public IReadOnlyList<HomeDescription> DescribeHomes() => ShardReports.Homes(this);

    /// <summary>The directory as of now.</summary>
    public IReadOnlyList<ForwardingEntry> ForwardingEntries() => ShardReports.Entries(this);

    /// <summary>The counters as of now.</summary>
    public EngineCounters Counters() => ShardReports.Counters(this);

    /// <summary>Why connections of a client are where they are, as far as this node decided it of late; oldest first.</summary>
    public IReadOnlyList<PlacementDecision> ExplainPlacement(InetAddress client, ushort port) => Placements.Of(Now, client, port);

    /// <summary>The last handoffs, oldest first.</summary>
    public IReadOnlyList<HandoffEvent> HandoffEvents() => [.. Handoffs.Log.Events];

    /// <summary>Ends the node: its connections are reset. The links are the caller's.</summary>
    public void Dispose()
    {
        if (_ended)
        {
            return;
        }

        RunWorks();
        foreach (var endpoint in Stack.Endpoints.ToArray())
        {
            Abort(endpoint);
        }

        Run(Now);
        End();
    }

    /// <summary>Posts a work; it runs with the next run. From any thread.</summary>
    internal void Post(ShardWork work) => Post(work, Waker);

    /// <summary>As <see cref="Post(ShardWork)"/>, for a work by which an application goes on that was given something.</summary>
    internal void PostAnswer(ShardWork work, object application) => Post(work, Conversation.IsAnswer(application) ? Answered ?? Waker : Waker);

    /// <summary>Calls a function on the shard's thread.</summary>
    internal Task<T> Call<T>(Func<Shard, T> function)
    {
        var call = new ShardCall<T>(function);
        Post(call);
        return call.Task;
    }

    /// <summary>The shard's thread has ended: every application has lost its endpoint, and works run where they are posted.</summary>
    internal void End()
    {
        lock (_afterEnd)
        {
            _ended = true;
            Nic?.StandDown();
            foreach (var endpoint in Stack.Endpoints.ToArray())
            {
                (endpoint.Application as Attachment)?.Leave(LeaveReason.Closed);
            }

            RunWorks();
        }
    }

    /// <summary>Does something on another shard, in the order in which it was told; at once if that is this one.</summary>
    internal void RunOn(Shard shard, Action<Shard> action)
    {
        if (shard == this)
        {
            action(this);
        }
        else
        {
            shard.Post(new ShardAction(action));
        }
    }

    /// <summary>Does something on every shard but this one.</summary>
    internal void OnOthers(Action<Shard> action)
    {
        foreach (var shard in Shards)
        {
            if (shard != this)
            {
                RunOn(shard, action);
            }
        }
    }

    /// <summary>
    /// Does something on every other shard, and then something here, when what they have told this one meanwhile is done too; at
    /// once where there is one shard.
    /// </summary>
    internal void OnOthersThen(Action<Shard> action, Action then)
    {
        int missing = Shards.Count - 1;
        if (missing == 0)
        {
            then();
            return;
        }

        OnOthers(other =>
        {
            action(other);
            other.RunOn(this, _ =>
            {
                if (--missing == 0)
                {
                    then();
                }
            });
        });
    }

    /// <summary>Does something on every shard: here at once.</summary>
    internal void OnEach(Action<Shard> action)
    {
        foreach (var shard in Shards)
        {
            RunOn(shard, action);
        }
    }

    /// <summary>The id of a new endpoint here.</summary>
    internal EndpointId NameEndpoint() => Steering.Name(Random, Index);

    /// <summary>The node's state, as far as its other shards have told theirs.</summary>
    internal MemberState MeasureState()
    {
        var load = Stack.Load;
        (long live, long unread) = (load.Live, load.Unread);
        foreach (var shard in Shards)
        {
            live += Volatile.Read(ref shard._live);
            unread += Volatile.Read(ref shard._unread);
        }

        return new MemberState(Farm.Self.Id, Incarnation, (uint)live, (ulong)unread, MeasureCpu(), IsDraining, Farm.Self.Weight);
    }

    internal void OnQuery(NodeId from, ulong number, byte[] request)
    {
        if (QueryReceived is { } handler)
        {
            handler(from, number, request);
        }
        else
        {
            Channels.Answer(from, number, answered: false, default);
        }
    }

    /// <summary>A client's first packet has made an endpoint: it gets its directory entry.</summary>
    internal void OnCreated(Endpoint endpoint)
    {
        endpoint.Tag = new EndpointRecord(endpoint, Now);

        // The reference carries the port of the application at this node, and an epoch that no earlier connection
        // between the same ports had.
        var reference = Stack.IssueReference(endpoint, Flows.NextEpoch, Applications.PortOf(endpoint.Service!, endpoint.Service!.ApplicationName));
        Flows.TryAdd(endpoint.Flow, Farm.Self.Id, endpoint.Epoch, in reference);
    }

    internal void Close(Attachment attachment)
    {
        if (EndpointRecord.Of(attachment.Endpoint) is { } record)
        {
            record.Stage = EndpointStage.Closing;
        }

        switch (attachment.Endpoint)
        {
            case TcpEndpoint tcp:
                tcp.Close(Now);
                OnTimeWait(tcp);
                break;
            case UdpEndpoint udp:
                udp.Close();
                break;
        }
    }

    private void OnTimeWait(TcpEndpoint endpoint)
    {
        if (EndpointRecord.Of(endpoint) is { } record)
        {
            Handoffs.OnTimeWait(record);
        }
    }

    internal void Abort(Endpoint endpoint)
    {
        switch (endpoint)
        {
            case TcpEndpoint { Connection: not null } tcp:
                tcp.Abort(Now);
                break;
            case UdpEndpoint { Service: not null } udp:
                udp.Close();
                break;
        }
    }

    internal void Detach(Attachment attachment, ReadOnlyMemory<byte> context, ReadOnlyMemory<byte> unread)
    {
        var record = EndpointRecord.Of(attachment.Endpoint)
            ?? throw new BatonException("A connection of the node's own cannot be detached.");
        record.Context = context.ToArray();
        record.Unread = unread.ToArray();
        record.Stage = EndpointStage.Detached;
        Stack.Detach(Now, attachment.Endpoint);
        attachment.Leave(LeaveReason.Detached);
        Moves.OnHandoffEnded(record, new MoveResult(MoveOutcome.NotHandedOff, "its application has detached it", null));
    }

    internal void Release(Attachment attachment, ReadOnlyMemory<byte> unread)
    {
        if (EndpointRecord.Of(attachment.Endpoint) is { } record)
        {
            record.Context = attachment.Facts.Context;
            record.Unread = unread;
            record.Served = attachment.Facts.HandedOver;
            Stack.Detach(Now, attachment.Endpoint);
            attachment.Leave(LeaveReason.Detached);
            Applications.TryBind(record);
        }
    }

    private void PublishLoad()
    {
        var load = Stack.Load;
        Volatile.Write(ref _live, load.Live);
        Volatile.Write(ref _unread, load.Unread);
    }

    private void Post(ShardWork work, Action? wake)
    {
        if (!_ended)
        {
            _works.Post(work);
            wake?.Invoke();
        }
        else
        {
            // Nobody runs the shard any more: whoever asks finds out for himself what is left.
            lock (_afterEnd)
            {
                work.Run(this);
            }
        }
    }

    private bool RunWorks()
    {
        var work = _works.TakeAll();
        if (work is null)
        {
            return false;
        }

        while (work is not null)
        {
            // A work may be posted again as soon as it runs.
            var next = work.Next;
            work.Next = null;
            work.Run(this);
            work = next;
        }

        return true;
    }

    private void RunDeadlines()
    {
        if (_nextCookieKey <= Now)
        {
            Stack.ChangeCookieKey(new HashKey(Random.Next(), Random.Next()));
            _nextCookieKey = Now + CookieKeyLife;
        }

        if (Stack.NextDeadline <= Now)
        {
            Stack.OnDeadline(Now);
        }

        if (Tombstones.NextDeadline <= Now)
        {
            Tombstones.OnDeadline(Now);
        }

        _services?.OnDeadline(Now);
        Handoffs.OnDeadline();
        if (Moves.NextDeadline <= Now)
        {
            Moves.OnDeadline();
        }

        _services?.Run();
    }

    private bool DispatchEvents()
    {
        bool any = false;
        while (Stack.TryTakeEvent(out var endpoint, out var events))
        {
            any = true;
            switch (endpoint.Tag)
            {
                case PeerChannel channel:
                    channel.OnEvents((TcpEndpoint)endpoint, events);
                    break;
                case ArrivingChannel arriving:
                    Channels.OnArriving(arriving, events);
                    break;
                case OutgoingConnections.Attempt attempt:
                    if (Services.Outgoing.HasConnected((TcpEndpoint)endpoint, attempt, events))
                    {
                        OnEvents(endpoint, events);
                    }

                    break;
                default:
                    OnEvents(endpoint, events);
                    break;
            }
        }

        return any;
    }

    private void OnEvents(Endpoint endpoint, EndpointEvents events)
    {
        var record = EndpointRecord.Of(endpoint);
        if (record is not null && (events & EndpointEvents.Established) != 0 && endpoint.Phase == EndpointPhase.Active)
        {
            Placer.OnEstablished(record);
        }

        if (endpoint.Application is null && record is { Stage: EndpointStage.Placed } && (events & (EndpointEvents.Readable | EndpointEvents.RemoteClosed)) != 0)
        {
            // Its application may have waited for this (ListenerOptions.DeferAccept).
            Applications.TryBind(record);
        }

        (endpoint.Application as Attachment)?.OnEvents(events);
        if ((events & EndpointEvents.Closed) == 0)
        {
            if ((events & EndpointEvents.TimeWait) != 0)
            {
                OnTimeWait((TcpEndpoint)endpoint);
            }

            return;
        }

        Path.Closed += endpoint is TcpEndpoint { IsResidue: true } ? 0 : 1;
        if (record is not null)
        {
            Moves.OnClosed(record);
            Handoffs.OnEndpointClosed(record, endpoint is TcpEndpoint tcp ? (byte)tcp.Connection!.CloseReason : (byte)0);
        }

        (endpoint.Application as Attachment)?.Leave(LeaveReason.Closed);
    }

    private Instant NextDeadline()
    {
        var deadline = Instant.Min(Stack.NextDeadline, Tombstones.NextDeadline);
        deadline = Instant.Min(deadline, Instant.Min(Handoffs.NextDeadline, Moves.NextDeadline));
        deadline = _services is null ? deadline : Instant.Min(deadline, _services.NextDeadline);
        return Instant.Min(deadline, Instant.Min(Options.Front.Link.NextDeadline, Options.Lan.Link.NextDeadline));
    }
}

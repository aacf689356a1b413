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
    private static readonly TimeSpan CookieKeyLife = TimeSpan.FromHours(1);

    private readonly WorkQueue _works = new();
    private readonly Lock _afterEnd = new();
    private readonly PacketPath _path;
    private readonly MembershipPort _membership;
    private readonly Transmission _transmission;
    private readonly OutgoingConnections _outgoing;
    private MembershipView _members;
    private volatile bool _ended;
    private Instant _nextCookieKey;
    private Instant _nextLanLook;

    /// <summary>Makes a node.</summary>
    /// <param name="options">What it is.</param>
    /// <param name="now">The time.</param>
    /// <param name="incarnation">Number of this start, when the options have none.</param>
    /// <exception cref="ArgumentException">The options contradict themselves; the message names every error.</exception>
    public Shard(EngineOptions options, Instant now, ulong incarnation = 1)
    {
        Options = options;
        Now = Started = now;
        Farm = FarmModel.Create(options);
        Random = new RandomBits(options.Seed);
        Incarnation = options.Incarnation ?? incarnation;
        var limits = options.Limits;
        Stack = new NetworkStack(ShardSettings.Stack(options, Farm, Drops));
        var front = Stack.AddInterface(ShardSettings.Front(options, Farm), now);
        var lan = Stack.AddInterface(ShardSettings.Lan(options, Farm), now);
        Flows = new FlowTable(Farm.Self.Id, options.Keys.Flow, limits.Flows);
        Tombstones = new TombstoneTable(ShardSettings.Director(limits));
        Exchange = new LoadExchange(
            Farm.Members, Farm.Self.Id, new LoadExchangeOptions { Interval = options.MembershipInterval }, Incarnation, now);
        _members = Exchange.View;
        Lan = new LanForwarding(this, options.Lan.Link);
        Applications = new ApplicationTable(this);
        Placer = new Placer(this);
        Placements = new PlacementLog(Farm, limits.Placements);
        Handoffs = new HandoffRouter(this, ShardSettings.Handoff(options));
        Homes = new HomeRouter(this, front);
        Nic = options.Nic is { } nic ? new NicMirror(this, nic) : null;
        Moves = new MoveDesk(this);
        Channels = new PeerChannels(this);
        Sessions = MakeSessions(options);
        _membership = new MembershipPort(this);
        _outgoing = new OutgoingConnections(this);
        _path = new PacketPath(this, front, lan);
        _transmission = new Transmission(this, _path.Counters, options.Front.Link, options.Lan.Link, front);
        Homes.RouteAll();
    }

    /// <summary>What the node was made from.</summary>
    public EngineOptions Options { get; }

    /// <summary>The time of the present run.</summary>
    public Instant Now { get; private set; }

    /// <summary>When the node was made.</summary>
    public Instant Started { get; }

    /// <summary>Whether the last run found something to do.</summary>
    public bool WasBusy { get; private set; }

    /// <summary>Whether works wait to be run.</summary>
    public bool HasWorks => !_works.IsEmpty;

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
    public LoadExchange Exchange { get; }

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
        get => Volatile.Read(ref _members);
        internal set => Volatile.Write(ref _members, value);
    }

    internal FarmModel Farm { get; }

    internal RandomBits Random { get; }

    internal ulong Incarnation { get; }

    internal LanForwarding Lan { get; }

    internal ApplicationTable Applications { get; }

    internal Placer Placer { get; }

    internal PlacementLog Placements { get; }

    internal HandoffRouter Handoffs { get; }

    internal HomeRouter Homes { get; }

    internal NicMirror? Nic { get; }

    internal MoveDesk Moves { get; }

    internal PeerChannels Channels { get; }

    /// <summary>The sessions with the peers; null in a farm that does not authenticate its members.</summary>
    internal PeerSessions? Sessions { get; }

    /// <summary>Called for a peer with which no keys could be agreed on, on the shard's thread.</summary>
    internal Action<PeerRefusedEvent>? PeerRefused { get; set; }

    internal PathCounters Path => _path.Counters;

    internal IReadOnlyList<ILink> Links => [Options.Front.Link, Options.Lan.Link];

    /// <summary>Called after a work was posted, to wake the thread that runs the shard.</summary>
    internal Action? Waker { get; set; }

    /// <summary>
    /// Does what there is to do at <paramref name="now"/>: takes frames, decides, delivers or forwards, runs timers,
    /// applications and the handoff protocol, sends. The time never goes back.
    /// </summary>
    /// <returns>When to call again at the latest; sooner when a frame comes or a work is posted.</returns>
    public Instant Run(Instant now)
    {
        Now = now;
        bool busy = RunWorks();

        // The front last: what it brings is answered without a look at the lan in between.
        bool looksAtLan = _nextLanLook <= now;
        if (looksAtLan)
        {
            bool any = Options.Lan.Link.Receive(_path.Lan, Options.Limits.BurstFrames) > 0;
            _nextLanLook = any ? now : now + LanPeriod;
            busy |= any;
        }

        busy |= Options.Front.Link.Receive(_path.Front, Options.Limits.BurstFrames) > 0;
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
        _outgoing.Begin(remote, port, name, application, options, onFailed);

    /// <summary>Asks for a move; <paramref name="onEnded"/> is called once with the outcome.</summary>
    public void RequestMove(EndpointId id, string? target, MoveCause cause, Action<MoveResult>? onEnded) =>
        Moves.Request(id, target, cause, onEnded);

    /// <summary>Sets whether the node takes new endpoints.</summary>
    public void SetDraining(bool draining)
    {
        IsDraining = draining;
        Homes.SetDeclining(draining);
        _membership.TellNow();
    }

    /// <summary>Ends a drain's state: the node takes endpoints again, and the addresses that are its own by configuration.</summary>
    public void Resume()
    {
        SetDraining(false);
        Homes.TakeBack();
    }

    /// <summary>Begins to give one service address to another member; false when this node is not its home.</summary>
    public bool YieldHome(InetAddress address, NodeId heir) => Homes.Yield(address, heir);

    /// <summary>Whether this node answers for a service address at present.</summary>
    public bool AnswersFor(InetAddress address) => Homes.Answers(address);

    /// <summary>Whether this node's endpoint of a flow may emit: the lease of its home holds.</summary>
    public bool MaySpeakFor(in Flow flow) => Homes.MaySpeak(flow.Tuple.LocalAddress);

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
    public bool IsChannelUp(NodeId node) => Channels.IsUp(node);

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
    internal void Post(ShardWork work)
    {
        if (!_ended)
        {
            _works.Post(work);
            Waker?.Invoke();
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

    internal MemberState MeasureState()
    {
        var load = Stack.Load;
        return new MemberState(Farm.Self.Id, Incarnation, (uint)load.Live, (ulong)load.Unread, MeasureCpu(), IsDraining, Farm.Self.Weight);
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
                break;
            case UdpEndpoint udp:
                udp.Close();
                break;
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

        if (Channels.NextDeadline <= Now)
        {
            Channels.OnDeadline(Now);
        }

        Homes.OnDeadline();
        Handoffs.OnDeadline();
        if (Moves.NextDeadline <= Now)
        {
            Moves.OnDeadline();
        }

        Sessions?.AcceptAll();
        Channels.AcceptAll();
        _membership.Run();
    }

    private PeerSessions? MakeSessions(EngineOptions options) =>
        options.KeyAgreement is { } agreement ? new PeerSessions(this, sessions => agreement(this, sessions))
        : options.Authenticator is { } authenticator ? new PeerSessions(this, sessions => new StreamKeyAgreement(this, sessions, authenticator))
        : null;

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
                    if (_outgoing.HasConnected((TcpEndpoint)endpoint, attempt, events))
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
            return;
        }

        Path.Closed++;
        if (record is not null)
        {
            Moves.OnClosed(record);
            Handoffs.OnEndpointClosed(record, endpoint is TcpEndpoint tcp ? (byte)tcp.Connection!.CloseReason : (byte)0);
        }

        (endpoint.Application as Attachment)?.Leave(LeaveReason.Closed);
    }

    private Instant NextDeadline()
    {
        var deadline = Instant.Min(Stack.NextDeadline, _membership.NextDeadline);
        deadline = Instant.Min(deadline, Instant.Min(Tombstones.NextDeadline, Channels.NextDeadline));
        deadline = Instant.Min(deadline, Instant.Min(Handoffs.NextDeadline, Moves.NextDeadline));
        deadline = Instant.Min(deadline, Homes.NextDeadline);
        return Instant.Min(deadline, Instant.Min(Options.Front.Link.NextDeadline, Options.Lan.Link.NextDeadline));
    }
}

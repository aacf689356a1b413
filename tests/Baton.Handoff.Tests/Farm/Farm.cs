using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Handoff.Tests.Farm;

/// <summary>Three nodes and the channels between them in virtual time, everything random from one seed.</summary>
internal sealed class Farm
{
    private readonly Random _random;
    private readonly PriorityQueue<Action, (long, long)> _events = new();
    private readonly Dictionary<(NodeId, NodeId), Channel> _channels = [];
    private readonly List<(FarmNode From, FarmNode To, ReadOnlyMemory<byte> Message)> _sent = [];
    private long _order;
    private ulong _incarnation = 1;
    private int _packets;

    public Farm(int seed = 1, HandoffLimits? limits = null, int nodes = 3)
    {
        Seed = seed;
        _random = new Random(seed);
        Limits = limits ?? HandoffLimits.Default;
        Invariants = new Invariants(this);
        for (ushort i = 1; i <= nodes; i++)
        {
            Nodes.Add(new FarmNode(this, new(i), _incarnation));
        }

        ForEachPair(ChannelUp);
    }

    public int Seed { get; }

    public HandoffLimits Limits { get; }

    public Instant Now { get; private set; }

    public List<FarmNode> Nodes { get; } = [];

    public Invariants Invariants { get; }

    /// <summary>Outputs so far, in the whole farm: the grain at which faults are put in.</summary>
    public int Steps { get; private set; }

    /// <summary>Called before each output is carried out.</summary>
    public Action<FarmNode, HandoffOutput> OnOutput { get; set; } = (_, _) => { };

    public List<(FarmNode Node, HandoffOutput Output)> Trace { get; } = [];

    public Func<TimeSpan> MessageDelay { get; set; } = () => TimeSpan.FromTicks(500);

    /// <summary>Null: the engine answers at once.</summary>
    public Func<TimeSpan?> AnswerDelay { get; set; } = () => null;

    /// <summary>Of 1000 messages, how many come again some time later.</summary>
    public int RepeatsPerThousand { get; set; }

    public bool EntriesWereLost { get; set; }

    public List<HandoffRequest> Begun { get; } = [];

    public int PacketsSent => _packets;

    public FarmNode this[int node] => Nodes[node - 1];

    public IEnumerable<HandoffOutput.Completed> Completions => Invariants.Completions;

    public ulong NextRandom() => (ulong)_random.NextInt64(1, long.MaxValue);

    public int NextRandom(int max) => _random.Next(max);

    /// <summary>A connection owned by <paramref name="owner"/>, of a client of its own, through <paramref name="home"/>.</summary>
    public Flow Connect(int home, int owner, int blobBytes = 1000)
    {
        int number = 1 + Nodes.Sum(n => n.Home.Count);
        var flow = new Flow(IpProtocol.Tcp, new(InetAddress.FromV4(0xC6336465), 80, InetAddress.FromV4(0xCB007102), (ushort)(40000 + number)));
        var endpoint = this[owner].NewEndpoint(flow, Epoch.First, EndpointPhase.Active);
        endpoint.Blob = new byte[blobBytes];
        _random.NextBytes(endpoint.Blob);
        endpoint.Context = [1, 2, 3, (byte)number];
        this[home].Home.Add(flow, this[owner].Id, Epoch.First, this[owner].Issue(endpoint, Epoch.First));
        return flow;
    }

    public HandoffRequest Request(Flow flow, int home, int source, int target)
    {
        var endpoint = this[source].Endpoints.Values.Single(e => e.Flow == flow);
        return new HandoffRequest
        {
            Id = new(NextRandom()),
            Flow = flow,
            Endpoint = endpoint.Id,
            Epoch = endpoint.Epoch,
            Home = this[home].Id,
            Target = this[target].Id,
            ApplicationName = "stream",
            Options = new byte[] { 9, 8, 7 },
            ExpectedStateBytes = endpoint.Blob.Length,
        };
    }

    public BeginResult Begin(HandoffRequest request, int source)
    {
        var result = BeginResult.InvalidRequest;
        this[source].Input(a => result = a.Begin(Now, request));
        if (result == BeginResult.Started)
        {
            Begun.Add(request);
        }

        return result;
    }

    public void At(Instant time, Action action) => _events.Enqueue(action, (time.Ticks, _order++));

    /// <summary>Runs to the end of time, or for a while.</summary>
    public void Run(TimeSpan? duration = null)
    {
        var end = duration is { } d ? Now + d : Instant.Never;
        int budget = 200_000;
        while (_events.TryPeek(out var action, out var at) && at.Item1 <= end.Ticks)
        {
            Assert.True(--budget > 0, $"{this}: does not come to rest");
            _events.Dequeue();
            Now = new(Math.Max(Now.Ticks, at.Item1));
            action();
            Invariants.OnStep();
        }

        Now = duration is null ? Now : end;
    }

    public void BeforeOutput(FarmNode node, HandoffOutput output)
    {
        Steps++;
        Trace.Add((node, output));
        OnOutput(node, output);
    }

    public void Send(FarmNode from, NodeId to, ReadOnlyMemory<byte> message)
    {
        Assert.InRange(message.Length, 1, HandoffLimits.MaxMessageBytes);
        Assert.NotEqual(from.Id, to);
        _sent.Add((from, Node(to), message));
        var channel = _channels[Key(from.Id, to)];
        if (!channel.Up)
        {
            return;
        }

        int generation = channel.Generation;
        var at = Instant.Max(Now + MessageDelay(), channel.LastArrival(from.Id));
        channel.SetLastArrival(from.Id, at);
        At(at, () =>
        {
            if (channel.Generation == generation && channel.Up)
            {
                Deliver(from.Id, to, message);
            }
        });

        if (_random.Next(1000) < RepeatsPerThousand)
        {
            var (oldFrom, oldTo, old) = _sent[_random.Next(_sent.Count)];
            At(Now + MessageDelay() * 3, () =>
            {
                // Late and again, but of the same lives: a channel never carries what was said in an earlier one.
                if (oldFrom == Node(oldFrom.Id) && oldTo == Node(oldTo.Id))
                {
                    Deliver(oldFrom.Id, oldTo.Id, old);
                }
            });
        }
    }

    public void Break(NodeId a, NodeId b)
    {
        var channel = _channels[Key(a, b)];
        if (channel.Up)
        {
            channel.Up = false;
            channel.Generation++;
            Node(a).Input(x => x.OnChannelDown(Now, b));
            Node(b).Input(x => x.OnChannelDown(Now, a));
        }
    }

    /// <summary>Makes the channel anew if both ends live.</summary>
    public void ChannelUp(NodeId a, NodeId b)
    {
        var channel = _channels.TryGetValue(Key(a, b), out var known) ? known : _channels[Key(a, b)] = new Channel();
        if (!channel.Up && Node(a).Alive && Node(b).Alive)
        {
            channel.Up = true;
            channel.Generation++;
            Node(a).Input(x => x.OnChannelUp(Now, b, Node(b).Incarnation));
            Node(b).Input(x => x.OnChannelUp(Now, a, Node(a).Incarnation));
        }
    }

    /// <summary>A node dies, and its channels break: at once, with what is under way on them, or after that has arrived.</summary>
    public void Crash(NodeId id, bool keepsWhatIsUnderWay = false)
    {
        var node = Node(id);
        node.Alive = false;
        EntriesWereLost |= node.Home.Count > 0;
        if (keepsWhatIsUnderWay)
        {
            At(Now + TimeSpan.FromMilliseconds(1), () => Crash(id));
            return;
        }

        foreach (var other in Nodes.Where(n => n != node))
        {
            Break(id, other.Id);
        }
    }

    public void Restart(NodeId id)
    {
        Nodes[id.Value - 1] = new FarmNode(this, id, ++_incarnation);
        Nodes.Where(n => n.Id != id).ToList().ForEach(n => ChannelUp(id, n.Id));
    }

    /// <summary>The membership notices who is dead.</summary>
    public void NoticeTheDead()
    {
        foreach (var dead in Nodes.Where(n => !n.Alive))
        {
            Nodes.ForEach(n => n.Input(a => a.OnMemberUnreachable(Now, dead.Id)));
        }
    }

    /// <summary>Faults end: channels between the living are made, the dead are known, and everything runs out.</summary>
    public void Settle()
    {
        MessageDelay = () => TimeSpan.FromTicks(500);
        RepeatsPerThousand = 0;
        OnOutput = (_, _) => { };
        NoticeTheDead();
        ForEachPair(ChannelUp);
        Run();
    }

    /// <summary>The client sends a packet: by the home's entry to the owner.</summary>
    public void ClientSends(Flow flow, int home)
    {
        int packet = ++_packets;
        if (this[home].Alive && this[home].Home.TryGet(flow, out var entry))
        {
            Forward(entry.Reference, packet, 4);
        }
    }

    public void Forward(EncodedReference reference, int packet, int hops)
    {
        var owner = new NodeId(BinaryPrimitives.ReadUInt16BigEndian(reference.Span));
        var endpoint = new EndpointId(BinaryPrimitives.ReadUInt64BigEndian(reference.Span[2..]));
        At(Now + MessageDelay(), () =>
        {
            if (Node(owner).Alive)
            {
                Node(owner).OnPacket(endpoint, packet, hops);
            }
        });
    }

    public FarmNode Node(NodeId id) => Nodes[id.Value - 1];

    public FarmEndpoint? Active(Flow flow) => Nodes.Where(n => n.Alive).Select(n => n.Active(flow)).SingleOrDefault(e => e is not null);

    /// <summary>How the handoff ended on one side, if it did.</summary>
    public (HandoffOutcome Outcome, HandoffReason Reason) Outcome(HandoffRequest request, HandoffRole role) =>
        Completions.Where(c => c.Handoff == request.Id && c.Role == role).Select(c => (c.Outcome, c.Reason)).SingleOrDefault();

    /// <summary>After <see cref="Settle"/>: nothing waits, except for a home that is dead.</summary>
    public void AssertNothingIsStuck(Func<Flow, NodeId> homeOf)
    {
        foreach (var node in Nodes.Where(n => n.Alive))
        {
            foreach (var endpoint in node.Endpoints.Values.Where(e => e.Phase != EndpointPhase.Active))
            {
                Assert.False(Node(homeOf(endpoint.Flow)).Alive, $"{this}: {endpoint.Phase} for ever at {node.Id}");
            }

            if (Nodes.TrueForAll(n => n.Alive))
            {
                Assert.True(node.Agent.SourceHandoffs == 0, $"{this}: source stuck at {node.Id}");
                Assert.True(node.Agent.TargetHandoffs == 0, $"{this}: target stuck at {node.Id}");
                Assert.True(node.Agent.BufferedBytes == 0, $"{this}: {node.Agent.BufferedBytes} bytes kept at {node.Id}");
                Assert.True(node.Agent.PendingClosed == 0, $"{this}: CLOSED pending at {node.Id}");
            }
        }
    }

    /// <summary>
    /// What a home that never died has written is true: the owner, if it never died either, runs the endpoint, in that
    /// epoch and under that reference.
    /// </summary>
    public void AssertDirectoriesAreTrue(IEnumerable<Flow> flows)
    {
        foreach (var flow in flows)
        {
            foreach (var home in Nodes.Where(n => n.Alive && n.Incarnation == 1))
            {
                if (home.Home.TryGet(flow, out var entry) && Node(entry.Owner) is { Alive: true, Incarnation: 1 } owner)
                {
                    var active = owner.Active(flow);
                    Assert.True(active is not null, $"{this}: {owner.Id} owns {flow} and does not run it");
                    Assert.Equal((entry.Epoch, entry.Reference), (active.Epoch, active.Reference));
                }
            }
        }
    }

    /// <summary>The connection ends at its owner, as by the client's RST.</summary>
    public void Close(Flow flow, int home)
    {
        foreach (var node in Nodes.Where(n => n.Alive))
        {
            if (node.Active(flow) is { } endpoint)
            {
                node.Endpoints.Remove(endpoint.Id);
                EntriesWereLost = true;
                var moving = Begun.LastOrDefault(r => r.Endpoint == endpoint.Id);
                node.Input(a =>
                {
                    if (moving is not null)
                    {
                        a.Cancel(Now, moving.Id, HandoffReason.EndpointClosed);
                    }

                    a.OnEndpointClosed(Now, flow, this[home].Id, endpoint.Epoch, endpoint.Id, reason: 1);
                });
            }
        }
    }

    public override string ToString() => $"seed {Seed}, step {Steps}, {Now}";

    private void Deliver(NodeId from, NodeId to, ReadOnlyMemory<byte> message) =>
        Node(to).Input(a => a.OnMessage(Now, from, message.Span));

    private void ForEachPair(Action<NodeId, NodeId> action)
    {
        for (int a = 1; a <= Nodes.Count; a++)
        {
            for (int b = a + 1; b <= Nodes.Count; b++)
            {
                action(this[a].Id, this[b].Id);
            }
        }
    }

    private static (NodeId, NodeId) Key(NodeId a, NodeId b) => a.Value < b.Value ? (a, b) : (b, a);

    private sealed class Channel
    {
        private Instant _lowToHigh;
        private Instant _highToLow;
        private NodeId _first;

        public bool Up { get; set; }

        public int Generation { get; set; }

        public Instant LastArrival(NodeId from) => from == _first ? _lowToHigh : _highToLow;

        public void SetLastArrival(NodeId from, Instant at)
        {
            if (_first == NodeId.None)
            {
                _first = from;
            }

            if (from == _first)
            {
                _lowToHigh = at;
            }
            else
            {
                _highToLow = at;
            }
        }
    }
}

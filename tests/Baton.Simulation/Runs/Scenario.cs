using Baton.Engine;
using Baton.Link;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>What a seed means: how the farm is, what flows through it, and how often its connections are moved.</summary>
internal sealed record Scenario
{
    private const int Kibibyte = 1024;
    private const ulong StrikePeriod = 4;
    private const ulong ShardPeriod = 7;
    private const int MaxShards = 3;
    private const ulong StrikeSeed = 0x5712_1CE5;

    public required FarmSettings Farm { get; init; }

    /// <summary>Far more virtual time than any recovery takes: retransmission backs off to a minute at most.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>Moves to be asked for, 5 at least.</summary>
    public required int Attempts { get; init; }

    /// <summary>The time between them, on average.</summary>
    public required TimeSpan AttemptPause { get; init; }

    /// <summary>Flows, 4 to 16.</summary>
    public required int Flows { get; init; }

    /// <summary>How likely a node's lan cable is pulled when a move was asked for.</summary>
    public required double LanOutages { get; init; }

    /// <summary>What happens to nodes and to the lan, one after the other.</summary>
    public required IReadOnlyList<Strike> Strikes { get; init; }

    /// <summary>Whether nodes may be killed and homes may change in it.</summary>
    public required bool HasFaults { get; init; }

    /// <summary>Whether one of the nodes lacks an application.</summary>
    public required bool LacksApplication { get; init; }

    /// <summary>Whether nodes are killed in it, the lan is cut, and the home role moves: every fourth seed.</summary>
    public static bool HasStrikes(ulong seed) => seed % StrikePeriod == StrikePeriod - 1;

    /// <summary>Whether its nodes' channels and load datagrams are sealed: every second seed, with strikes and without.</summary>
    public static bool IsSealed(ulong seed) => ((seed ^ (seed >> 2)) & 1) == 0;

    /// <summary>A seed with strikes: the one of an index from a first seed on.</summary>
    public static ulong SeedWithStrikes(ulong first, long index) => (first / StrikePeriod + (ulong)index) * StrikePeriod + StrikePeriod - 1;

    /// <summary>How much its flows carry.</summary>
    public SeedForm Form { get; init; } = SeedForm.Long;

    /// <summary>Draws a scenario.</summary>
    public static Scenario Draw(ulong seed, SeededRandom random, SeedForm form)
    {
        bool strikes = HasStrikes(seed);
        var limits = new EngineLimits
        {
            Endpoints = 4096,
            Flows = 256,
            Tombstones = 256,
            Handoffs = random.Chance(0.1) ? 1 : 64,
            TombstoneTime = TimeSpan.FromSeconds(2),

            DatagramIdle = strikes ? form.DatagramIdle : TimeSpan.FromSeconds(4),
            TimeWait = form.TimeWait,
            SendBuffer = Power(random, form.SmallestSendBuffer, form.LargestBuffer),
            ReceiveBuffer = Power(random, form.SmallestReceiveBuffer, form.LargestBuffer),
            ImageBytes = random.Chance(0.1) ? form.SmallImage : 32 << 20,
        };
        var front = Faults(random, slowest: 2000);
        var lan = Faults(random, slowest: 400);

        // Some budgets are shorter than a round trip on the lan.
        int budget = random.Chance(0.25) ? 200 : random.Chance(0.3) ? 2000 : 20_000;
        return new Scenario
        {
            Form = form,
            Farm = new FarmSettings
            {
                Seed = seed,
                Family = seed % 3 == 0 ? AddressFamily.V6 : AddressFamily.V4,
                Shards = number => seed % ShardPeriod == 0 ? 1 + number % MaxShards : 1,
                LanFamily = seed % 5 == 0 ? AddressFamily.V6 : AddressFamily.V4,
                Sealed = IsSealed(seed),
                Clients = 1 + (int)random.Next(3),
                Front = front,
                Lan = lan,
                LanMtu = random.Chance(0.2) ? 1500 : random.Chance(0.1) ? 9000 : 1700,
                Offloads = random.Chance(0.7) ? LinkOffloads.Checksum | LinkOffloads.Tso : random.Chance(0.5) ? LinkOffloads.Checksum : LinkOffloads.None,
                Grid = TimeSpan.FromMicroseconds(20),
                ClientTcp = TcpSettings.Default with
                {
                    SendBufferLimit = Power(random, form.SmallestSendBuffer, form.LargestBuffer),
                    ReceiveBufferLimit = Power(random, form.SmallestReceiveBuffer, form.LargestBuffer),
                    Timestamps = !random.Chance(0.15),
                    SelectiveAcks = !random.Chance(0.15),
                    WindowScaling = !random.Chance(0.15),
                    NoDelay = random.Chance(0.5),
                    TimeWaitLength = TimeSpan.FromSeconds(2),
                },
                Services = Services,
                Adjust = options => Adjusted(options, limits, TimeSpan.FromMicroseconds(budget)),
            },
            Attempts = 5 + (int)random.Next(12),
            AttemptPause = form.ShortestPause * (1 << (int)random.Next(8)),
            Flows = 4 + (int)random.Next(13),
            LanOutages = random.Chance(0.3) && !strikes ? 0.3 : 0,
            LacksApplication = random.Chance(0.3) && !strikes,
            HasFaults = strikes,
            Strikes = strikes ? Strike.Draw(new SeededRandom(seed ^ StrikeSeed), nodes: 3) : [],
        };
    }

    /// <summary>A TCP flow.</summary>
    public StreamPlan DrawStream(SeededRandom random)
    {
        long up = Form.Length(random);
        long down = Form.Length(random);
        return new StreamPlan
        {
            Key = random.NextUInt64(),
            Up = up,
            Down = down,
            Port = (ushort)(random.Chance(0.25) ? 81 : 80),
            ClientClosesEarly = random.Chance(0.5),
            FarmClosesEarly = random.Chance(0.5),
            ClientPause = Pause(random, down),
            FarmPause = Pause(random, up),
            UnreadAtMove = random.Chance(0.3) ? (int)random.Next(4000) : 0,
        };
    }

    /// <summary>A UDP flow.</summary>
    public DatagramPlan DrawDatagrams(SeededRandom random) => new()
    {
        Key = random.NextUInt64(),
        Up = Form.Length(random),
        Down = Form.Length(random),
        Pause = TimeSpan.FromMicroseconds(50 << (int)random.Next(4)),
        LaterPause = Form.LaterDatagrams,
        LaterBurst = Form.LaterBurst,
        MaxLength = random.Chance(0.2) ? 4000 : 1400,
    };

    /// <summary>The services.</summary>
    public static IReadOnlyList<ServiceOptions> Services { get; } =
    [
        new() { Name = "tcp", Port = 80, Placement = Placement.FirstRequest },
        new() { Name = "placed", Port = 81, Placement = Placement.Handshake, Policy = "round-robin" },
        new() { Name = "udp", Port = 53, Protocol = IpProtocol.Udp, Placement = Placement.FirstRequest, ApplicationPort = 5353 },
    ];

    /// <summary>A node's options with limits and a freeze budget of the scenario.</summary>
    public static EngineOptions Adjusted(EngineOptions options, EngineLimits limits, TimeSpan budget) => new()
    {
        Node = options.Node,
        Members = options.Members,
        Services = options.Services,
        Front = options.Front,
        Lan = options.Lan,
        Keys = options.Keys,
        Seed = options.Seed,
        KeyAgreement = options.KeyAgreement,
        Limits = limits,
        HandoffBudget = budget,
        MoveTimeout = TimeSpan.FromSeconds(1),
    };

    private static FaultProfile Faults(SeededRandom random, int slowest) => new()
    {
        Loss = 0.01,
        Corruption = random.Chance(0.2) ? 0.001 : 0,
        Duplication = 0.01,
        Reordering = 0.01,
        ReorderDelay = TimeSpan.FromMicroseconds(100 + random.Next(1000)),
        Delay = TimeSpan.FromMicroseconds(10 + random.Next(slowest)),
        Jitter = TimeSpan.FromMicroseconds(random.Next(40)),
        Bandwidth = random.Chance(0.3) ? 200_000_000 : 1_000_000_000,
    };

    private static ReadingPause? Pause(SeededRandom random, long length) => random.Chance(0.4)
        ? new ReadingPause(random.Next(length), TimeSpan.FromMicroseconds(1000 << (int)random.Next(9)))
        : null;

    private static int Power(SeededRandom random, int smallest, int largest)
    {
        int power = smallest;
        for (long more = random.Next(1 + (int)Math.Log2(largest / smallest)); more > 0; more--)
        {
            power *= 2;
        }

        return power * Kibibyte;
    }
}

using System.Diagnostics;
using Baton.Bench.Machine;
using Baton.Bench.Own;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Memory;

/// <summary>
/// What a packet costs a whole node (link, verdict, endpoint, connection, application, acknowledgment) that has so many
/// connections: segments of one byte from a packet generator on the shard's thread, whose own time is left out.
/// </summary>
internal sealed class PacketCost : IDisposable
{
    private const int ActiveShare = 100;
    private const int Batches = 4001;
    private const int WarmUpBatches = 1000;

    private readonly GeneratedClients _clients;
    private readonly GeneratorLink _front;
    private readonly GeneratorLink _lan = new("lan", null);
    private readonly Shard _shard;
    private int _attached;

    /// <summary>Opens the connections.</summary>
    public PacketCost(int connections)
    {
        _clients = new GeneratedClients(connections);
        _front = new GeneratorLink("front", _clients);
        _shard = new Shard(Options(connections), MonotonicClock.Now);
        _shard.Bind(new ApplicationBinding(new BatonEndPoint("bytes"), IpProtocol.Tcp, "reader", () => new Reader(this)));
        MemoryBenchmark.Open(_clients, _front, () => _shard.Run(MonotonicClock.Now));
        if (_attached != connections)
        {
            throw new BenchException($"of {connections} connections {_attached} have an application");
        }
    }

    /// <summary>Nanoseconds a packet, if only one connection of a hundred has any, one after the other.</summary>
    public double OfFewActive()
    {
        int active = Math.Max(1, _clients.Count / ActiveShare);
        int next = 0;
        return Measure(() => next++ % active * ActiveShare);
    }

    /// <summary>Nanoseconds a packet, if packets hit all connections in random order.</summary>
    public double OfRandomOrder()
    {
        var random = new Random(1);
        return Measure(() => random.Next(_clients.Count));
    }

    public void Dispose()
    {
        _shard.Dispose();
        _front.Dispose();
        _lan.Dispose();
    }

    private double Measure(Func<int> pick)
    {
        double[] costs = new double[Batches];
        for (int batch = -WarmUpBatches; batch < Batches; batch++)
        {
            for (int i = 0; i < GeneratorLink.Burst; i++)
            {
                _front.Put(_clients.WriteData(_front.Next, pick(), "x"u8));
            }

            long start = Stopwatch.GetTimestamp();
            _shard.Run(MonotonicClock.Now);
            costs[Math.Max(0, batch)] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / GeneratorLink.Burst;
        }

        return Statistics.Median(costs);
    }

    private EngineOptions Options(int connections) => new()
    {
        Node = "bench",
        Members =
        [
            new MemberOptions
            {
                Name = "bench",
                Id = new NodeId(1),
                LanAddress = InetAddress.Parse("192.0.2.1"),
                FrontAddress = InetAddress.Parse("198.18.1.11"),
                ServiceAddresses = [GeneratedClients.Service],
            },
        ],
        Services = [new ServiceOptions { Name = "bytes", Port = GeneratedClients.Port }],
        Front = new() { Link = _front, PrefixLength = 24, Gateway = GeneratedClients.Gateway },
        Lan = new() { Link = _lan, PrefixLength = 24 },
        Keys = EngineKeys.FromSecret("benchmark"u8),
        Limits = new EngineLimits { Endpoints = connections + 16, Flows = connections + 16 },
    };

    private sealed class Reader(PacketCost owner) : BenchApplication
    {
        public override void OnAttached(Attachment attachment) => owner._attached++;

        public override void OnReadable(Attachment attachment)
        {
            while (attachment.Read(Buffer.AsSpan(0, 64)) > 0)
            {
            }
        }
    }
}

using Baton.Bench.Machine;
using Baton.Bench.Nic;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Wire;

/// <summary>A node that is the home of all flows and owns none: each packet is decided by its director and forwarded.</summary>
internal sealed class NodeLoop : IWireReceiver
{
    private static readonly NodeId s_owner = new(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly XdpLink _front;
    private readonly XdpLink _lan;
    private readonly Shard _shard;

    public NodeLoop(WireNetwork network, int flows)
    {
        _front = XdpLink.Open(new() { Name = "front", Namespace = network.Node });
        _lan = XdpLink.Open(new() { Name = "lan", Namespace = network.Node });
        _shard = new Shard(
            new EngineOptions
            {
                Node = "home",
                Members =
                [
                    new MemberOptions
                    {
                        Name = "home", Id = new NodeId(1), LanAddress = InetAddress.Parse("192.0.2.1"),
                        FrontAddress = InetAddress.Parse("198.51.100.1"), ServiceAddresses = [NicBenchmark.Service],
                    },
                    new MemberOptions { Name = "owner", Id = s_owner, LanAddress = InetAddress.Parse("192.0.2.2"), FrontAddress = InetAddress.Parse("198.51.100.2") },
                ],
                Services = [new ServiceOptions { Name = "http", Port = 80 }],
                Front = new() { Link = _front, PrefixLength = 24 },
                Lan = new() { Link = _lan, PrefixLength = 24 },
                Keys = EngineKeys.FromSecret("benchmark"u8),

                // The owner is not there, and after 60 of these its flows are written off.
                MembershipInterval = TimeSpan.FromSeconds(1),
            },
            MonotonicClock.Now);
        var latest = MonotonicClock.Now + s_patience;
        while (!_shard.AnswersFor(NicBenchmark.Service))
        {
            Run();
            if (MonotonicClock.Now > latest)
            {
                throw new BenchException("the node does not answer for its address");
            }
        }

        for (int i = 0; i < flows; i++)
        {
            var flow = DrawnPacket.FlowOf(i);
            var reference = DrawnPacket.ReferenceOf(i);
            _shard.Flows.TryAdd(in flow, s_owner, new(1), in reference);
        }
    }

    public long Done => _shard.Counters().Forwarded;

    public void Run() => _shard.Run(MonotonicClock.Now);

    /// <inheritdoc/>
    public void Dispose()
    {
        _shard.Dispose();
        _front.Dispose();
        _lan.Dispose();
    }
}

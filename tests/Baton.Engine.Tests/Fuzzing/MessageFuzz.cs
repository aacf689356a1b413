using System.Buffers.Binary;
using Baton.Link;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>
/// Control messages as a member with a defect would say them: genuine ones, altered. What they mean is the protocol's; here
/// nothing may throw, and nothing grow beyond its bound.
/// </summary>
internal sealed class MessageFuzz : IDisposable
{
    private const int Rounds = 200;
    private const int Handoffs = 16;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly SeededRandom _random;
    private readonly Farm _farm;
    private readonly List<(PeerMessageKind Kind, byte[] Payload)> _genuine = [];
    private readonly byte[] _message = new byte[64 * 1024];
    private long _cases;

    public MessageFuzz(ulong seed)
    {
        _random = new SeededRandom(seed ^ 0x4D53_4753);
        _farm = new Farm(new FarmSettings
        {
            Seed = seed,
            Adjust = options => PacketPathTests.Copy(options, new EngineLimits { Handoffs = Handoffs, Flows = 256, Tombstones = 256, Endpoints = 256 }),
        }).Connect();
        Record();
    }

    private FarmNode Victim => _farm["c"];

    public int Run()
    {
        for (int round = 0; round < Rounds; round++)
        {
            var (kind, payload) = _genuine[_random.Below(_genuine.Count)];
            int length = Alter(payload);
            var from = new NodeId((ushort)(1 + _random.Below(3)));
            var message = _message.AsSpan(0, length);
            if (kind == PeerMessageKind.Handoff)
            {
                Victim.Shard.Handoffs.OnMessage(from, message);
            }
            else
            {
                Victim.Shard.Homes.OnMessage(from, message);
            }

            KeyMessage.TryRead(message, out _, out _);
            PeerFraming.ReadHello(message, out _, out _);
            if (round % 8 == 0)
            {
                Victim.Shard.Run(_farm.Now);
            }
        }

        Victim.Touch();
        _farm.RunFor(TimeSpan.FromMilliseconds(1));
        _cases += Rounds;
        return Rounds;
    }

    public void Check()
    {
        var shard = Victim.Shard;
        if (shard.RunningHandoffs > 2 * Handoffs || shard.Flows.Count > 256 || shard.Tombstones.Count > 256 || shard.Stack.Endpoints.Count > 256)
        {
            throw new InvalidOperationException($"{shard.RunningHandoffs} handoffs, {shard.Flows.Count} flows, {shard.Tombstones.Count} tombstones, {shard.Stack.Endpoints.Count} endpoints.");
        }
    }

    public void Dispose() => _farm.Dispose();

    public override string ToString() => $"{_cases} control messages altered from {_genuine.Count}";

    private int Alter(byte[] payload)
    {
        payload.CopyTo(_message, 0);
        int length = payload.Length;
        switch (_random.Below(6))
        {
            case 0:
                Mutation.Flip(_random, _message.AsSpan(0, length));
                break;
            case 1:
                Mutation.Overwrite(_random, _message.AsSpan(0, length));
                break;
            case 2:
                length = _random.Below(length);
                break;
            case 3:
                int more = 1 + _random.Below(64);
                Mutation.Fill(_random, _message.AsSpan(length, more));
                length += more;
                break;
            case 4:
                // The header of one, the rest of another.
                var other = _genuine[_random.Below(_genuine.Count)].Payload;
                int at = _random.Below(Math.Min(length, other.Length));
                other.AsSpan(at).CopyTo(_message.AsSpan(at));
                length = other.Length;
                break;
        }

        return length;
    }

    /// <summary>What the nodes say while connections move and end, and the home's role moves.</summary>
    private void Record()
    {
        _farm.Lan.Observer = (_, _, frame) =>
        {
            var bytes = frame[EthernetHeader.Length..];
            if (IpPacket.TryParse(bytes, out var packet) != DropReason.None || packet is not { HasPorts: true, Protocol: IpProtocol.Tcp }
                || (packet.SourcePort != PeerChannels.Port && packet.DestinationPort != PeerChannels.Port))
            {
                return;
            }

            var said = bytes[(packet.HeaderLength + ((bytes[packet.HeaderLength + 12] >> 4) * 4))..packet.TotalLength];
            while (said.Length > PeerFraming.HeaderLength && BinaryPrimitives.ReadInt32BigEndian(said) - 1 is >= 0 and var length
                && length <= said.Length - PeerFraming.HeaderLength && (PeerMessageKind)said[4] is PeerMessageKind.Handoff or PeerMessageKind.Home)
            {
                _genuine.Add(((PeerMessageKind)said[4], said.Slice(PeerFraming.HeaderLength, length).ToArray()));
                said = said[(PeerFraming.HeaderLength + length)..];
            }
        };
        var plan = new PatternPlan(3, 1000);
        foreach (var node in _farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(_farm, node, plan));
        }

        _farm.RunFor(TimeSpan.FromSeconds(1));
        _ = new PatternClient(_farm, _farm.Clients[0], _farm["a"].ServiceAddress, 80, plan) { SendLimit = 500 };
        _farm.RunFor(TimeSpan.FromMilliseconds(100));
        foreach (string target in new[] { "b", "c", "b", "a" })
        {
            var owner = _farm.Nodes.Single(node => node.Endpoints.Any(e => e.Activity == EndpointActivity.Active));
            var move = owner.Move(owner.Endpoints.Single(e => e.Activity == EndpointActivity.Active).Id, _farm[target]);
            _farm.RunUntil(() => move.Result is not null, s_limit);
            _farm.RunFor(TimeSpan.FromMilliseconds(5));
        }

        EndInTimeWait();
        _farm["a"].Shard.Drain(_ => { });
        _farm["a"].Touch();
        _farm.RunFor(TimeSpan.FromSeconds(2));
        _farm.Lan.Observer = null;
    }

    /// <summary>Connections whose homes are not their owners, and which the farm closes first.</summary>
    private void EndInTimeWait()
    {
        var sitters = new List<(FarmNode Node, Sitter Sitter)>();
        foreach (var node in _farm.Nodes)
        {
            node.Bind("placed", () =>
            {
                sitters.Add((node, new Sitter()));
                return sitters[^1].Sitter;
            });
        }

        var clients = _farm.Nodes.Select(node => _farm.Clients[0].Connect(node.ServiceAddress, 81)).ToList();
        _farm.RunUntil(() => clients.TrueForAll(client => client.IsEstablished) && sitters.Count == clients.Count, s_limit);
        foreach (var (node, sitter) in sitters)
        {
            sitter.Attachment!.Close();
            node.Touch();
        }

        _farm.RunFor(TimeSpan.FromMilliseconds(5));
        clients.ForEach(client => client.Close(_farm.Now));
        _farm.Clients[0].Touch();
        _farm.RunUntil(() => _farm.Nodes.Sum(node => node.Counters.ResiduesTaken) > 0, s_limit);
    }
}

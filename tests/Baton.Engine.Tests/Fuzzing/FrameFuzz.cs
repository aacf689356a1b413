using System.Buffers.Binary;
using Baton.Director;
using Baton.Link;
using Baton.Membership;
using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>
/// Frames on the lan of a farm whose members authenticate each other, of somebody who has seen theirs and has no keys:
/// datagrams of the load exchange, forwarded packets, segments to the members' ports. The node that gets them owns a
/// connection, and knows nothing new afterwards.
/// </summary>
internal sealed class FrameFuzz : IDisposable
{
    private const int Rounds = 512;
    private const int Burst = 32;
    private const int Transport = EthernetHeader.Length + Ipv4Header.Length;
    private const int Payload = Transport + UdpHeader.Length;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly Nobody s_nobody = new();

    private readonly SeededRandom _random;
    private readonly Farm _farm;
    private readonly MemoryLink _link;
    private readonly List<byte[]> _loads = [];
    private readonly List<byte[]> _forwarded = [];
    private readonly byte[] _frame = new byte[2048];
    private readonly string _before;
    private long _cases;
    private long _received;

    public FrameFuzz(ulong seed)
    {
        _random = new SeededRandom(seed ^ 0x4652_414D);
        _farm = new Farm(new FarmSettings { Seed = seed, Sealed = true, Lan = new FaultProfile() }).Connect();
        Record();
        _link = _farm.Lan.Attach(new MemoryLinkOptions { Name = "intruder", Address = new MacAddress(0x02_00_00_00_09_01), Mtu = _farm.Settings.LanMtu });
        _before = Describe();
    }

    private FarmNode Victim => _farm["b"];

    public int Run()
    {
        for (int round = 0; round < Rounds; round++)
        {
            int length = Make();
            _link.TrySend(FrameOffload.None, _frame.AsSpan(0, length), default);
            if (round % Burst == Burst - 1)
            {
                // Time stands still: what the nodes would say to each other would be no one's effect.
                _farm.Lan.Deliver(_farm.Now);
                _received += Victim.LanLink.Waiting;
                while (Victim.LanLink.Waiting > 0)
                {
                    Victim.Shard.Run(_farm.Now);
                }

                Forget();
            }
        }

        _cases += Rounds;
        Check();
        return Rounds;
    }

    public void Check()
    {
        if (_received != _cases)
        {
            throw new InvalidOperationException($"{_received} of {_cases} frames came.");
        }

        string now = Describe();
        if (now != _before)
        {
            throw new InvalidOperationException($"Before: {_before}; now: {now}.");
        }
    }

    public void Dispose() => _farm.Dispose();

    public override string ToString() =>
        $"{_cases} frames ({string.Join(", ", Victim.Shard.Counters().Drops.OrderByDescending(d => d.Value).Select(d => $"{d.Key} {d.Value}"))})";

    /// <summary>What the victim answers reaches nobody.</summary>
    private void Forget()
    {
        _farm.Lan.Deliver(_farm.Now);
        foreach (var link in _farm.Lan.Links)
        {
            if (link != Victim.LanLink)
            {
                link.Receive(s_nobody, int.MaxValue);
            }
        }
    }

    /// <summary>All that a frame could change.</summary>
    private string Describe()
    {
        var shard = Victim.Shard;
        var counters = shard.Counters();
        var endpoint = Victim.Endpoint;
        return string.Join(
            ' ',
            endpoint.PacketsIn,
            endpoint.BytesIn,
            endpoint.Sequence,
            endpoint.Epoch,
            counters.Decapsulated,
            counters.ForwardedByTombstone,
            counters.Flows,
            counters.Tombstones,
            counters.HandoffsIn,
            counters.HandoffsOut,
            shard.RunningHandoffs,
            shard.Exchange.Epoch,
            string.Join(',', shard.Exchange.View.Members.Select(member => $"{member.Status} {member.State}")),
            shard.Channels.Arriving,
            shard.IsChannelUp(new NodeId(1)),
            shard.IsChannelUp(new NodeId(3)),
            shard.Stack.Endpoints.Count(e => e.Service is not null));
    }

    private int Make() => _random.Below(10) switch
    {
        < 4 => MakeLoad(),
        < 8 => MakeForwarded(),
        _ => MakeSegment(),
    };

    /// <summary>A datagram of the load exchange: altered, cut, of another address, unsealed, or played again.</summary>
    private int MakeLoad()
    {
        int length = Take(_loads);
        var datagram = _frame.AsSpan(Payload, length - Payload);
        switch (_random.Below(6))
        {
            case 0:
                Mutation.Flip(_random, datagram);
                break;
            case 1:
                Mutation.Fill(_random, datagram);
                break;
            case 2:
                length = Payload + _random.Below(datagram.Length + 1);
                break;
            case 3:
                new LoadDatagram(new MemberState(new NodeId((ushort)(1 + _random.Below(3))), _random.NextUInt64() | 1, 0, 0, 0, true, 1), _random.NextUInt64()).Write(datagram);
                break;
            case 4:
                SetSource(_random.Below(2) == 0 ? Farm.LanAddress(1 + _random.Below(3)) : InetAddress.Parse($"192.0.2.{10 + _random.Below(200)}"));
                break;
        }

        return Finish(length);
    }

    /// <summary>A forwarded packet whose reference was altered anywhere but in the hop count, that is cut, or of no member.</summary>
    private int MakeForwarded()
    {
        int length = Take(_forwarded);
        var reference = _frame.AsSpan(Payload, 68);
        switch (_random.Below(5))
        {
            case 0:
                byte hops = reference[ReferenceCodec.HopCountOffset];
                byte[] genuine = reference.ToArray();
                Mutation.Flip(_random, reference);
                reference[ReferenceCodec.HopCountOffset] = hops;
                reference[8 + _random.Below(4)] ^= (byte)(reference.SequenceEqual(genuine) ? 1 : 0);
                break;
            case 1:
                BinaryPrimitives.WriteUInt64BigEndian(reference[ReferenceCodec.EndpointIdOffset..], _random.NextUInt64());
                break;
            case 2:
                length = Payload + _random.Below(68);
                break;
            case 3:
                SetSource(InetAddress.Parse($"192.0.2.{10 + _random.Below(200)}"));
                break;
            default:
                Mutation.Fill(_random, _frame.AsSpan(Payload, length - Payload));
                break;
        }

        return Finish(length);
    }

    /// <summary>A segment to a member's port, of a connection that nobody has.</summary>
    private int MakeSegment()
    {
        var source = _random.Below(2) == 0 ? Farm.LanAddress(1 + (2 * _random.Below(2))) : InetAddress.Parse($"192.0.2.{10 + _random.Below(200)}");
        int length = Transport + TcpHeader.MinLength + _random.Below(40);
        var segment = _frame.AsSpan(Transport, length - Transport);
        new EthernetHeader(Victim.LanLink.Address, _link.Address, EtherType.Ipv4).Write(_frame);
        Ipv4Header.Write(_frame.AsSpan(EthernetHeader.Length), source, Farm.LanAddress(2), IpProtocol.Tcp, length - EthernetHeader.Length);
        Mutation.Fill(_random, segment);
        new TcpHeader
        {
            SourcePort = (ushort)(1 + _random.Below(1000)),
            DestinationPort = (ushort)(6081 + _random.Below(4)),
            Sequence = new SeqNum((uint)_random.NextUInt64()),
            Acknowledgment = new SeqNum((uint)_random.NextUInt64()),
            Flags = (TcpFlags)(_random.NextUInt64() & 0xFF),
            Window = 1000,
        }.Write(segment);
        TcpChecksum.Write(segment, TcpChecksum.Compute(source, Farm.LanAddress(2), segment));
        return length;
    }

    private int Take(List<byte[]> genuine)
    {
        byte[] frame = genuine[_random.Below(genuine.Count)];
        frame.CopyTo(_frame, 0);
        return frame.Length;
    }

    private void SetSource(InetAddress source) => BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(EthernetHeader.Length + 12), source.V4);

    /// <summary>Sums and lengths are right, so that it is not by them that it is refused.</summary>
    private int Finish(int length)
    {
        new EthernetHeader(Victim.LanLink.Address, _link.Address, EtherType.Ipv4).Write(_frame);
        BinaryPrimitives.WriteUInt16BigEndian(_frame.AsSpan(EthernetHeader.Length + 2), (ushort)(length - EthernetHeader.Length));
        Ipv4Header.WriteChecksum(_frame.AsSpan(EthernetHeader.Length, Ipv4Header.Length));
        BinaryPrimitives.WriteUInt16BigEndian(_frame.AsSpan(Transport + 4), (ushort)(length - Transport));
        _frame.AsSpan(Transport + UdpHeader.ChecksumOffset, 2).Clear();
        return length;
    }

    /// <summary>What a and c say to b while it owns a connection that a is home of.</summary>
    private void Record()
    {
        _farm.Lan.Observer = (_, _, frame) =>
        {
            var bytes = frame[EthernetHeader.Length..];
            if (IpPacket.TryParse(bytes, out var packet) == DropReason.None && packet is { HasPorts: true, Protocol: IpProtocol.Udp }
                && packet.Destination == Farm.LanAddress(2) && frame.Length <= _frame.Length)
            {
                (packet.DestinationPort == LoadDatagram.Port ? _loads : _forwarded).Add(frame.ToArray());
            }
        };
        var plan = new PatternPlan(3, 100_000);
        foreach (var node in _farm.Nodes)
        {
            node.Bind("tcp", () => new PatternApplication(_farm, node, plan));
        }

        _farm.RunFor(TimeSpan.FromSeconds(1));
        var client = new PatternClient(_farm, _farm.Clients[0], _farm["a"].ServiceAddress, 80, plan) { SendLimit = 1000 };
        _farm.RunFor(TimeSpan.FromMilliseconds(100));
        var move = _farm["a"].Move(Victim);
        _farm.RunUntil(() => move.Result is { Moved: true }, s_limit);
        client.SendLimit = 20_000;
        client.Continue();
        _farm.RunFor(TimeSpan.FromSeconds(1));
        _farm.Lan.Observer = null;
        Assert.True(_loads.Count > 10 && _forwarded.Count > 5 && _forwarded.TrueForAll(frame => Encapsulation.Port == BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(Transport + 2))));
    }

    private sealed class Nobody : IFrameReceiver
    {
        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
        {
        }
    }
}

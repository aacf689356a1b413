using Baton.Link;
using Baton.Wire;

namespace Baton.Engine.Tests;

public sealed class BurstAheadTests
{
    private const int Clients = BurstAhead.LeastFlows + 100;

    private static readonly InetAddress s_service = InetAddress.Parse("198.18.1.101");
    private static readonly InetAddress s_gateway = InetAddress.Parse("198.18.1.2");
    private static readonly MacAddress s_gatewayMac = new(0x0200_0000_0002);
    private static readonly MacAddress s_server = new(0x0200_0000_0001);

    [Fact]
    public void A_burst_that_was_announced_is_answered_byte_for_byte_as_one_that_was_not()
    {
        var announced = Conversation(announces: true);
        var silent = Conversation(announces: false);

        Assert.True(silent.Count > 3 * Clients, $"{silent.Count} frames");
        Assert.Equal(silent, announced);
    }

    [Fact]
    public void What_is_announced_may_be_anything_and_need_not_come()
    {
        using var front = new ScriptedLink(announces: true);
        using var shard = NewShard(front);
        Open(shard, front);
        byte[] data = Segment(5, TcpFlags.Ack | TcpFlags.Psh, 1001, front.Next[5], "x"u8);
        int before = front.Sent.Count;
        front.Pretended = [[], new byte[3], new byte[200], data[..20], .. Enumerable.Repeat(data, 100)];
        front.Waiting.Add(data);
        shard.Run(shard.Now);
        shard.Run(shard.Now + TimeSpan.FromMilliseconds(100)); // Its ACK is delayed.

        Assert.Equal(before + 1, front.Sent.Count);
        Assert.Equal(Clients, shard.Flows.Count);
    }

    /// <summary>Everything that a shard says to clients that open connections, send, send nonsense and reset some, in bursts of 64.</summary>
    private static List<string> Conversation(bool announces)
    {
        using var front = new ScriptedLink(announces);
        using var shard = NewShard(front);
        Open(shard, front);
        for (int round = 0; round < 4; round++)
        {
            for (int client = 0; client < Clients; client++)
            {
                var flags = (client + round) % 97 == 0 ? TcpFlags.Rst : TcpFlags.Ack | TcpFlags.Psh;
                front.Waiting.Add(Segment(client, flags, 1001 + (uint)round, front.Next[client], "x"u8));
                if (client % 13 == 0)
                {
                    front.Waiting.Add([.. Segment(client + 100_000, TcpFlags.Ack, 1, 1, default)]);
                    front.Waiting.Add(new byte[40]);
                }
            }

            RunAll(shard, front);
        }

        return front.Sent;
    }

    private static void Open(Shard shard, ScriptedLink front)
    {
        for (int client = 0; client < Clients; client++)
        {
            front.Waiting.Add(Segment(client, TcpFlags.Syn, 1000, 0, default));
        }

        RunAll(shard, front);
        for (int client = 0; client < Clients; client++)
        {
            front.Waiting.Add(Segment(client, TcpFlags.Ack, 1001, front.Next[client], default));
        }

        RunAll(shard, front);
        Assert.Equal(Clients, shard.Flows.Count);
    }

    private static void RunAll(Shard shard, ScriptedLink front)
    {
        var now = shard.Now;
        while (front.Waiting.Count > 0)
        {
            now += TimeSpan.FromMilliseconds(1);
            shard.Run(now);
        }

        shard.Run(now + TimeSpan.FromMilliseconds(50));
    }

    private static byte[] Segment(int client, TcpFlags flags, uint sequence, uint acknowledgment, ReadOnlySpan<byte> text)
    {
        var header = new TcpHeader
        {
            SourcePort = (ushort)(10_000 + client % 50_000),
            DestinationPort = 80,
            Sequence = new(sequence),
            Acknowledgment = new(acknowledgment),
            Flags = flags,
            Window = ushort.MaxValue,
        };
        byte[] frame = new byte[EthernetHeader.Length + Ipv4Header.Length + header.Length + text.Length];
        int length = new EthernetHeader(s_server, s_gatewayMac, EtherType.Ipv4).Write(frame);
        length += Ipv4Header.Write(
            frame.AsSpan(length), InetAddress.FromV4(0x0B00_0001 + (uint)(client / 50_000)), s_service, IpProtocol.Tcp, frame.Length - length);
        length += header.Write(frame.AsSpan(length));
        text.CopyTo(frame.AsSpan(length));
        return frame;
    }

    private static Shard NewShard(ScriptedLink front) => new(
        new EngineOptions
        {
            Node = "a",
            Members =
            [
                new MemberOptions
                {
                    Name = "a",
                    Id = new NodeId(1),
                    LanAddress = InetAddress.Parse("192.0.2.1"),
                    FrontAddress = InetAddress.Parse("198.18.1.11"),
                    ServiceAddresses = [s_service],
                },
            ],
            Services = [new ServiceOptions { Name = "tcp", Port = 80 }],
            Front = new() { Link = front, PrefixLength = 24, Gateway = s_gateway },
            Lan = new() { Link = new ScriptedLink(announces: false), PrefixLength = 24 },
            Keys = EngineKeys.FromSecret("burst"u8),
            Seed = 1,
            Limits = new EngineLimits { Endpoints = 2 * Clients, Flows = 2 * Clients, HalfOpen = 2 * Clients },
        },
        new Instant(TimeSpan.TicksPerDay));

    /// <summary>Gives what waits in bursts of 64, keeps what is sent, and answers ARP for the gateway.</summary>
    private sealed class ScriptedLink(bool announces) : ILink
    {
        public List<byte[]> Waiting { get; } = [];

        public byte[][] Pretended { get; set; } = [];

        public List<string> Sent { get; } = [];

        /// <summary>What each client acknowledges.</summary>
        public uint[] Next { get; } = new uint[Clients];

        public string Name => "scripted";

        public MacAddress Address => s_server;

        public int Mtu => 1500;

        public LinkOffloads Offloads => LinkOffloads.Checksum;

        public int WaitDescriptor => -1;

        public int Receive(IFrameReceiver receiver, int limit)
        {
            var burst = Waiting.Take(64).ToArray();
            Waiting.RemoveRange(0, burst.Length);
            foreach (byte[] frame in announces ? [.. burst, .. Pretended] : Array.Empty<byte[]>())
            {
                receiver.Expect(frame);
            }

            foreach (byte[] frame in burst)
            {
                receiver.OnFrame(this, new(ChecksumState.Verified, GsoType.None, 0), frame);
            }

            return burst.Length;
        }

        public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
        {
            Sent.Add(Convert.ToHexString([.. headers, .. payload, .. more]));
            Assert.True(EthernetHeader.TryParse(headers, out var ethernet));
            if (ethernet.EtherType == EtherType.Arp)
            {
                Answer(headers[EthernetHeader.Length..]);
            }
            else if (IpPacket.TryParse(headers[EthernetHeader.Length..], out var layout) == DropReason.None && layout.Protocol == IpProtocol.Tcp
                && TcpHeader.TryParse(headers[(EthernetHeader.Length + layout.HeaderLength)..], out var header, out _) == DropReason.None
                && header.Has(TcpFlags.Syn))
            {
                Next[header.DestinationPort - 10_000] = header.Sequence.Value + 1;
            }

            return true;
        }

        public void Flush()
        {
        }

        public void Dispose()
        {
        }

        private void Answer(ReadOnlySpan<byte> packet)
        {
            if (ArpPacket.TryParse(packet, out var arp) == DropReason.None && arp.Operation == ArpOperation.Request && arp.TargetAddress == s_gateway)
            {
                byte[] frame = new byte[64];
                int length = new EthernetHeader(arp.SenderMac, s_gatewayMac, EtherType.Arp).Write(frame);
                new ArpPacket(ArpOperation.Reply, s_gatewayMac, arp.TargetAddress, arp.SenderMac, arp.SenderAddress).Write(frame.AsSpan(length));
                Waiting.Insert(0, frame);
            }
        }
    }
}

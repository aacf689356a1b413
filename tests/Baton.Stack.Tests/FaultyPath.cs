using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>What a path does to packets; drawn from a seed, over the ranges that the internet has and beyond.</summary>
internal sealed record PathFaults
{
    /// <summary>Bits a second, 64 kbit/s to 10 Gbit/s.</summary>
    public required double Rate { get; init; }

    /// <summary>The round trip without a queue, 0 to 600 ms.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>The share of packets lost, in each direction, 0 to 0.3.</summary>
    public required double Loss { get; init; }

    /// <summary>The share of packets that take up to a round trip and a millisecond longer.</summary>
    public required double Reordering { get; init; }

    /// <summary>The share of packets that come twice.</summary>
    public required double Duplication { get; init; }

    /// <summary>The share of packets of which a bit is turned.</summary>
    public required double Corruption { get; init; }

    /// <summary>The MTU from the middle of the transfer on.</summary>
    public required int LaterMtu { get; init; }

    /// <summary>Whether nobody says that a packet was too large.</summary>
    public required bool Silent { get; init; }

    public static PathFaults Draw(Random random) => new()
    {
        Rate = 64_000 * Math.Pow(10e9 / 64_000, random.NextDouble()),
        RoundTrip = TimeSpan.FromMilliseconds(600 * Math.Pow(random.NextDouble(), 2)),
        Loss = random.Next(3) == 0 ? 0 : 0.3 * Math.Pow(random.NextDouble(), 2),
        Reordering = random.Next(2) == 0 ? 0 : 0.2 * random.NextDouble(),
        Duplication = random.Next(2) == 0 ? 0 : 0.1 * random.NextDouble(),
        Corruption = random.Next(2) == 0 ? 0 : 0.05 * random.NextDouble(),
        LaterMtu = random.Next(2) == 0 ? 1500 : random.Next(600, 1500),
        Silent = random.Next(2) == 0,
    };
}

/// <summary>Two hosts with a faulty path between them, in virtual time from a seed. ARP and Neighbor Discovery are spared.</summary>
internal sealed class FaultyPath(Host a, Host b, PathFaults faults, Random random)
{
    private readonly PriorityQueue<(Host To, Frame Frame), (long At, long Order)> _flying = new();
    private readonly long[] _free = new long[2];
    private long _order;

    public Instant Now { get; private set; } = Instant.Zero + TimeSpan.FromSeconds(1);

    /// <summary>What packets may be long now.</summary>
    public int Mtu { get; set; } = 1500;

    /// <summary>Packets that left with more than headers.</summary>
    public long DataPackets { get; private set; }

    /// <summary>Goes to the next thing that happens; false when nothing does.</summary>
    public bool Step()
    {
        Emit(a, b, 0);
        Emit(b, a, 1);
        var deadline = Instant.Min(a.Stack.NextDeadline, b.Stack.NextDeadline);
        if (_flying.TryPeek(out var next, out var at) && at.At <= deadline.Ticks)
        {
            _flying.Dequeue();
            Now = new(Math.Max(Now.Ticks, at.At));
            next.To.Receive(Now, next.Frame);
            return true;
        }

        if (deadline == Instant.Never)
        {
            return false;
        }

        Now = Instant.Max(Now, deadline);
        a.Stack.OnDeadline(Now);
        b.Stack.OnDeadline(Now);
        return true;
    }

    private void Emit(Host from, Host to, int direction)
    {
        foreach (var frame in from.Emit(Now))
        {
            if (frame.Link.EtherType == EtherType.Arp || frame.Packet.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
            {
                Fly(to, frame, Now.Ticks);
                continue;
            }

            DataPackets += frame.Bytes.Length > 120 ? 1 : 0;
            if (frame.PacketBytes.Length > Mtu)
            {
                if (!faults.Silent)
                {
                    RefuseTooBig(from, frame);
                }

                continue;
            }

            long wait = Math.Max(0, _free[direction] - Now.Ticks);
            double room = Math.Max(100_000, faults.Rate / 8 * Math.Max(0.05, faults.RoundTrip.TotalSeconds));
            bool full = wait / (double)TimeSpan.TicksPerSecond * faults.Rate / 8 > room;
            if (full || random.NextDouble() < faults.Loss)
            {
                continue;
            }

            _free[direction] = Now.Ticks + wait + (long)(frame.Bytes.Length * 8 / faults.Rate * TimeSpan.TicksPerSecond);
            for (int copies = random.NextDouble() < faults.Duplication ? 2 : 1; copies > 0; copies--)
            {
                long more = random.NextDouble() < faults.Reordering ? random.NextInt64(faults.RoundTrip.Ticks + TimeSpan.TicksPerMillisecond) : 0;
                Fly(to, random.NextDouble() < faults.Corruption ? Corrupt(frame) : frame, _free[direction] + (faults.RoundTrip.Ticks / 2) + more);
            }
        }
    }

    private void Fly(Host to, Frame frame, long at) => _flying.Enqueue((to, frame), (at, _order++));

    private Frame Corrupt(Frame frame)
    {
        var bytes = (byte[])frame.Bytes.Clone();
        bytes[random.Next(EthernetHeader.Length, bytes.Length)] ^= (byte)(1 << random.Next(8));
        return frame with { Bytes = bytes };
    }

    /// <summary>RFC 1191 §4, RFC 4443 §3.2.</summary>
    private void RefuseTooBig(Host from, Frame frame)
    {
        var packet = frame.Packet;
        bool v4 = packet.Source.IsV4;
        var error = v4
            ? Frames.Icmp(Host.Gateway, packet.Source, IcmpType.DestinationUnreachable, 4, (uint)Mtu, frame.PacketBytes[..28])
            : Frames.Icmp(Host.GatewayV6, packet.Source, 2, 0, (uint)Mtu, frame.PacketBytes[..Math.Min(frame.PacketBytes.Length, 500)]);
        from.Mac.CopyTo(error.Bytes);
        Fly(from, error, Now.Ticks + (faults.RoundTrip.Ticks / 4));
    }
}

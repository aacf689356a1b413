using Baton.Tcp;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Whatever the path does: each byte arrives once and in order, transfers end, and no more is sent again than the path makes necessary.</summary>
public class PathPropertyTests(ITestOutputHelper output)
{
    private const ushort Port = 7000;
    private static readonly TimeSpan Limit = TimeSpan.FromHours(4);

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.NewReno)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void Both_streams_arrive_whole_over_any_path_and_nothing_storms(CongestionAlgorithm algorithm)
    {
        for (int seed = 1; seed <= QuickForm.Or(30, quick: 3); seed++)
        {
            Transfer(algorithm, seed);
        }
    }

    private void Transfer(CongestionAlgorithm algorithm, int seed)
    {
        var random = new Random(seed);
        var faults = PathFaults.Draw(random);
        bool v6 = random.Next(3) == 0;
        faults = v6 && faults.LaterMtu < 1280 ? faults with { LaterMtu = 1280 } : faults;
        var a = new Host(Host.Node, Host.NodeMac, tcp: Settings(algorithm, random));
        var b = new Host(Host.OtherNode, Host.OtherNodeMac, tcp: Settings(algorithm, random));
        var path = new FaultyPath(a, b, faults, random);
        string where = $"seed {seed}, {algorithm}, {faults}";

        // Enough to fill the path for some round trips, but not for hours.
        int bytes = (int)Math.Clamp(faults.Rate / 8 * 10 * faults.RoundTrip.TotalSeconds, 20_000, 1_000_000);
        bytes = faults.Loss > 0.1 ? Math.Min(bytes, 100_000) : bytes;
        var left = new Stream(a, bytes, random.Next());
        var right = new Stream(b, random.Next(bytes), random.Next());
        var listener = b.Stack.Listen(v6 ? b.AddressV6 : b.Address, Port, backlog: 4);
        left.Endpoint = a.Stack.Connect(path.Now, new FourTuple(v6 ? a.AddressV6 : a.Address, 0, v6 ? b.AddressV6 : b.Address, Port))!;
        var start = path.Now;
        int idle = 0;
        while (!left.IsDone(right) || !right.IsDone(left))
        {
            // When the network is done the applications may still have to read.
            idle = path.Step() ? 0 : idle + 1;
            Assert.True(idle < 1000, $"{where}: nothing happens any more: {left}, {right}");
            Assert.True(path.Now - start < Limit, $"{where}: not finished: {left}, {right}");
            if (right.Endpoint is null && listener.TryAccept(out var accepted))
            {
                right.Endpoint = accepted;
            }

            left.Run(path.Now, random, right, where);
            right.Run(path.Now, random, left, where);
            path.Mtu = left.Read + right.Read > bytes / 2 ? faults.LaterMtu : path.Mtu;
        }

        long needed = (left.Total + right.Total) / 400;
        double survive = (1 - faults.Loss) * (1 - faults.Corruption);
        output.WriteLine($"{where}: {left.Total} and {right.Total} bytes in {(path.Now - start).TotalSeconds:F1} s, {path.DataPackets} packets");
        Assert.True(path.DataPackets <= 200 + (2.5 * needed / (survive * survive)), $"{where}: {path.DataPackets} packets for {needed}");
    }

    private static TcpSettings Settings(CongestionAlgorithm algorithm, Random random) => TcpSettings.Default with
    {
        Congestion = algorithm,
        Pacing = random.Next(3) == 0,
        SelectiveAcks = random.Next(4) != 0,
        Timestamps = random.Next(4) != 0,
        WindowScaling = random.Next(4) != 0,
        Ecn = (EcnMode)random.Next(3),
        AccurateEcn = random.Next(2) == 0,
        NoDelay = random.Next(2) == 0,
        Linger = random.Next(2) == 0 ? TimeSpan.FromHours(1) : null,
        NotSentLimit = random.Next(3) == 0 ? 20_000 : 0,
        ReceiveBufferStart = 1 << random.Next(13, 18),
        ReceiveBufferLimit = 1 << random.Next(14, 22),
        MaxSynRetransmissions = 30,
        MaxRetransmissions = 60,
        StalledCloseTimeout = TimeSpan.FromHours(1),
    };

    /// <summary>One direction: what a host's application writes, and what it has read of the other's.</summary>
    private sealed class Stream(Host host, long total, int salt)
    {
        private readonly byte[] _buffer = new byte[16 * 1024];
        private bool _closed;

        public TcpEndpoint? Endpoint { get; set; }

        public long Total => total;

        public long Written { get; private set; }

        public long Read { get; private set; }

        public bool IsDone(Stream other) => _closed && Read == other.Total;

        public override string ToString() => $"{host.Address} wrote {Written}/{total}, read {Read}, {Endpoint?.Connection?.State} {Endpoint?.Connection?.CloseReason} {Endpoint?.Connection?.Statistics}";

        public void Run(Instant now, Random random, Stream other, string where)
        {
            host.TakeEvents();
            if (Endpoint is null || random.Next(4) == 0)
            {
                return;
            }

            if (Written < total && Endpoint.IsEstablished && Endpoint.Connection!.WriteCapacity > 0)
            {
                int length = (int)Math.Min(total - Written, random.Next(1, _buffer.Length));
                for (int i = 0; i < length; i++)
                {
                    _buffer[i] = ByteAt(Written + i);
                }

                Written += Endpoint.Write(now, _buffer.AsSpan(0, length));
            }

            int count = Endpoint.Read(now, _buffer.AsSpan(0, random.Next(1, _buffer.Length)));
            for (int i = 0; i < count; i++)
            {
                Assert.True(_buffer[i] == other.ByteAt(Read + i), $"{where}: byte {Read + i} at {host.Address}");
            }

            Read += count;
            if (Written == total && !_closed && Endpoint.IsEstablished)
            {
                _closed = true;
                Endpoint.CloseWrite(now);
            }
        }

        private byte ByteAt(long position) => (byte)(((position * 167) >> 5) ^ position ^ salt);
    }
}

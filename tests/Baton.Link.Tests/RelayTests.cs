using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class RelayTests
{
    private static FaultProfile Delay(double milliseconds) => new() { Delay = TimeSpan.FromMilliseconds(milliseconds) };

    [Fact(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    public void A_ping_between_two_namespaces_takes_the_delay_of_both_directions()
    {
        using var path = new TapPath(new RelayOptions { Forward = Delay(5), Backward = Delay(7) });
        Ping.Send(path.Left, "192.0.2.2", 1);

        var shortest = Enumerable.Range(2, 10).Min(i => Ping.Send(path.Left, "192.0.2.2", (ushort)i));

        // Never less than the delay; the shortest of ten is not much more, even on a busy machine.
        Assert.InRange(shortest.TotalMilliseconds, 12, 30);
    }

    [Theory(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    [InlineData(0, 0)]
    [InlineData(5, 0)]
    [InlineData(1, 0.03)]
    public void A_transfer_between_two_kernels_is_exact_and_passes_in_super_frames(double milliseconds, double loss)
    {
        int length = loss > 0 ? 8 << 20 : 64 << 20;
        var faults = Delay(milliseconds) with { Loss = loss };
        using var path = new TapPath(new RelayOptions { Forward = faults, Backward = faults, Seed = 7 });

        byte[] sent = path.Transfer(length, out byte[] received);

        Assert.Equal(sent, received);
        Assert.True(path.Relay.Forward.SuperFrames > 0);
        Assert.Equal(loss > 0, path.Relay.Forward.Faults.Lost > 0);
        Assert.Equal(0, path.Relay.Forward.Faults.Overflowed);
    }

    [Fact]
    public void Frames_keep_their_offload_state_and_order_over_the_delay()
    {
        var left = new MemoryNetwork(1) { CarriesSuperFrames = true };
        var right = new MemoryNetwork(2) { CarriesSuperFrames = true };
        const LinkOffloads all = LinkOffloads.Checksum | LinkOffloads.Tso;
        var sender = left.Attach(new MemoryLinkOptions { Name = "sender", Address = Frames.A, Offloads = all });
        var relayLeft = left.Attach(new MemoryLinkOptions { Name = "left", Address = Frames.C, Offloads = all });
        var relayRight = right.Attach(new MemoryLinkOptions { Name = "right", Address = Frames.C, Offloads = all });
        var receiver = right.Attach(new MemoryLinkOptions { Name = "receiver", Address = Frames.B, Offloads = all });
        var relay = new Relay(relayLeft, relayRight, new RelayOptions { Forward = Delay(5) });
        byte[] frame = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 9000));
        var offload = new FrameOffload(ChecksumState.Partial, GsoType.TcpV4, 1460);
        for (int i = 0; i < 3; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(38), (uint)i);
            sender.TrySend(offload, frame, default);
        }

        left.Deliver(Instant.Zero);
        var next = relay.Step(Instant.Zero);
        Assert.Equal(Instant.Zero + TimeSpan.FromMilliseconds(5), next);
        Assert.Equal(0, relay.Forward.Sent);

        Assert.Equal(Instant.Never, relay.Step(next));
        right.Deliver(next);
        var inbox = new Inbox();
        receiver.Receive(inbox, 10);

        Assert.Equal([0u, 1u, 2u], inbox.Received.Select(r => BinaryPrimitives.ReadUInt32BigEndian(r.Frame.AsSpan(38))));
        Assert.All(inbox.Received, r => Assert.Equal((offload, 54 + 9000), (r.Offload, r.Frame.Length)));
    }

    [Fact]
    public void A_full_queue_drops_and_counts()
    {
        var network = new MemoryNetwork(1);
        var sender = network.Attach(new MemoryLinkOptions { Name = "sender", Address = Frames.A });
        var left = network.Attach(new MemoryLinkOptions { Name = "left", Address = Frames.B });
        var right = new MemoryNetwork(2).Attach(new MemoryLinkOptions { Name = "right", Address = Frames.B });
        var relay = new Relay(left, right, new RelayOptions { Forward = Delay(5), QueueBytes = 4 * BufferPool.SmallLength });
        for (int i = 0; i < 10; i++)
        {
            sender.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, i), default);
        }

        network.Deliver(Instant.Zero);
        relay.Step(Instant.Zero);
        relay.Step(Instant.Zero + TimeSpan.FromMilliseconds(5));

        Assert.Equal((10, 4, 6), (relay.Forward.Frames, relay.Forward.Sent, relay.Forward.Faults.Overflowed));
    }

    /// <summary>Two namespaces whose kernels reach each other through two TAPs and a relay.</summary>
    private sealed class TapPath : IDisposable
    {
        private readonly List<IDisposable> _parts = [];

        public TapPath(RelayOptions options)
        {
            try
            {
                Left = Keep(new TestNamespace());
                Right = Keep(new TestNamespace());
                var left = Keep(TapLink.Open(new TapOptions { Name = "wan", Namespace = Left.Name }));
                var right = Keep(TapLink.Open(new TapOptions { Name = "wan", Namespace = Right.Name }));
                Left.AddAddress("wan", "192.0.2.1/24");
                Right.AddAddress("wan", "192.0.2.2/24");
                Relay = new Relay(left, right, options);
                Keep(LinkThread.Run(Relay));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public TestNamespace Left { get; }

        public TestNamespace Right { get; }

        public Relay Relay { get; }

        /// <summary>Sends seeded bytes from left to right.</summary>
        /// <returns>The hash of what was sent.</returns>
        public byte[] Transfer(int length, out byte[] received)
        {
            using var listener = Right.Listen("192.0.2.2", 5001);
            using var client = Left.Open(SocketType.Stream, ProtocolType.Tcp);
            var hash = Task.Run(() =>
            {
                using var server = listener.Accept();
                using var stream = new NetworkStream(server) { ReadTimeout = 30_000 };
                return SHA256.HashData(stream);
            });
            client.Connect(new IPEndPoint(IPAddress.Parse("192.0.2.2"), 5001));
            byte[] block = new byte[1 << 20];
            using var sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var random = new Random(42);
            for (int left = length; left > 0; left -= block.Length)
            {
                random.NextBytes(block);
                sent.AppendData(block);
                client.Send(block);
            }

            client.Shutdown(SocketShutdown.Send);
            received = hash.GetAwaiter().GetResult();
            return sent.GetHashAndReset();
        }

        public void Dispose()
        {
            foreach (var part in Enumerable.Reverse(_parts))
            {
                part.Dispose();
            }
        }

        private T Keep<T>(T part)
            where T : IDisposable
        {
            _parts.Add(part);
            return part;
        }
    }
}

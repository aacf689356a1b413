using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class ReassemblyTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);

    [Fact]
    public void Fragments_in_any_order_with_duplicates_become_the_packet()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var host = Host.AtHome();
            var payload = new byte[random.Next(100, 20_000)];
            random.NextBytes(payload);
            var fragments = Frames.Udp(ToDns, payload).Fragments(8 * random.Next(payload.Length / 400 + 1, 180));
            var order = fragments.Concat(fragments.Where(_ => random.Next(4) == 0)).ToArray();
            random.Shuffle(order);
            foreach (var fragment in order)
            {
                host.Receive(Start, fragment);
            }

            var endpoint = host.Stack.Endpoints.OfType<UdpEndpoint>().SingleOrDefault();
            Assert.True(endpoint is not null, $"seed {seed}");
            var buffer = new byte[payload.Length];
            endpoint.TryReceive(buffer, out _, out _, out _);
            Assert.True(payload.AsSpan().SequenceEqual(buffer), $"seed {seed}");
        }
    }

    [Fact]
    public void Fragments_that_overlap_in_part_end_their_datagram()
    {
        var host = Host.AtHome();
        var wide = Frames.Udp(ToDns, new byte[600]).Fragments(64);
        var narrow = Frames.Udp(ToDns, new byte[600]).Fragments(96);
        host.Receive(Start, wide[1]);
        Assert.Equal(DropReason.ReassemblyFailed, host.Receive(Start, narrow[1]));
        host.Stack.OnDeadline(Start + TimeSpan.FromSeconds(15));
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void The_last_packet_put_together_keeps_no_buffer()
    {
        var host = Host.AtHome();
        foreach (var fragment in Frames.Udp(ToDns, new byte[600]).Fragments(64))
        {
            host.Receive(Start, fragment);
        }

        Assert.True(host.Stack.Endpoints.OfType<UdpEndpoint>().Single().TryReceive(new byte[600], out _, out _, out _));
        Assert.False(host.Stack.TryEmit(Start, new byte[host.Stack.ScratchLength], out _));
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void An_incomplete_datagram_is_given_up_after_its_time()
    {
        var host = Host.AtHome();
        host.Receive(Start, Frames.Udp(ToDns, new byte[600]).Fragments(64)[0]);
        Assert.Equal(Start + TimeSpan.FromSeconds(15), host.Stack.NextDeadline);
        host.Stack.OnDeadline(host.Stack.NextDeadline);
        Assert.Equal(1, host.Stack.Drops[DropReason.ReassemblyFailed]);
        Assert.Equal(Instant.Never, host.Stack.NextDeadline);
        host.Pool.AssertNoneLent();
    }

    [Fact]
    public void So_many_datagrams_are_in_reassembly_and_no_more()
    {
        var host = Host.AtHome(new StackLimits { Reassemblies = 2 });
        for (ushort port = 1; port <= 3; port++)
        {
            var source = InetAddress.FromV4(Host.Client.V4 + port);
            host.Receive(Start, Frames.Udp(ToDns with { RemoteAddress = source }, new byte[600]).Fragments(64)[0]);
        }

        Assert.Equal(1, host.Stack.Drops[DropReason.ReassemblyFailed]);
    }
}

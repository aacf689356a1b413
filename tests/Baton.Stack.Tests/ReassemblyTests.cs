using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class ReassemblyTests
{
    private static readonly Instant Start = Instant.Zero;
    private static readonly FourTuple ToDns = new(Host.ServiceAddress, 53, Host.Client, 4000);
    private static readonly FourTuple ToDnsV6 = new(Host.ServiceAddressV6, 53, Host.ClientV6, 4000);

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public void Fragments_in_any_order_with_duplicates_become_the_packet(bool v6)
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var host = Host.AtHome();
            var payload = new byte[random.Next(100, 20_000)];
            random.NextBytes(payload);
            var fragments = Frames.Udp(v6 ? ToDnsV6 : ToDns, payload).Fragments(8 * random.Next(payload.Length / 400 + 1, 180));
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

    [Theory]
    [MemberData(nameof(Families))]
    public void Fragments_that_overlap_in_part_end_their_datagram(bool v6)
    {
        var host = Host.AtHome();
        var tuple = v6 ? ToDnsV6 : ToDns;
        var wide = Frames.Udp(tuple, new byte[600]).Fragments(64);
        var narrow = Frames.Udp(tuple, new byte[600]).Fragments(96);
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
        host.Receive(Start, Frames.Udp(ToDns, new byte[600]).Fragments(64)[1]);
        Assert.Equal(Start + TimeSpan.FromSeconds(15), host.Stack.NextDeadline);
        host.Stack.OnDeadline(host.Stack.NextDeadline);
        Assert.Equal(1, host.Stack.Drops[DropReason.ReassemblyFailed]);
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

    [Theory]
    [MemberData(nameof(Families))]
    public void A_fragment_that_says_something_else_about_bytes_that_are_there_ends_its_datagram(bool v6)
    {
        var host = Host.AtHome();
        var tuple = v6 ? ToDnsV6 : ToDns;
        host.Receive(Start, Frames.Udp(tuple, new byte[600]).Fragments(64)[1]);
        Assert.Equal(DropReason.None, host.Receive(Start, Frames.Udp(tuple, new byte[600]).Fragments(64)[1]));
        Assert.Equal(DropReason.ReassemblyFailed, host.Receive(Start, Frames.Udp(tuple, new byte[600]).Fragments(64)[1].Damaged()));
        host.Pool.AssertNoneLent();
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Who_sent_a_first_fragment_is_told_that_the_others_did_not_come(bool v6)
    {
        var host = Host.AtHome().Knowing(Host.Client, Host.ClientMac).Knowing(Host.ClientV6, Host.ClientMac);
        var fragment = Frames.Udp(v6 ? ToDnsV6 : ToDns, new byte[600]).Fragments(64)[0];
        host.Receive(Start, fragment);
        var later = Start + TimeSpan.FromSeconds(15);
        host.Stack.OnDeadline(later);

        var error = host.Emit(later).Single(f => f.Link.EtherType != EtherType.Arp && !f.IsNeighbourDiscovery);
        Assert.Equal(DropReason.None, IcmpMessage.TryParse(error.Packet, error.Transport, out var message));
        Assert.Equal(IcmpErrorKind.TimeExceeded, message.ErrorKind);
        Assert.Equal(1, message.Code);
        Assert.Equal(fragment.PacketBytes, message.Body.ToArray());
    }

    [Fact]
    public void One_source_has_a_share_of_the_reassembly_and_leaves_room_for_others()
    {
        var host = Host.AtHome(new StackLimits { Reassemblies = 8 });
        for (ushort id = 1; id <= 4; id++)
        {
            var frame = Frames.Udp(ToDns, new byte[600]);
            host.Receive(Start, Frames.Ip(IpProtocol.Udp, Host.Client, Host.ServiceAddress, frame.Transport, false, id).Fragments(64)[0]);
        }

        Assert.Equal(2, host.Stack.Drops[DropReason.ReassemblyFailed]);
        var other = Frames.Udp(ToDns with { RemoteAddress = Host.OtherNode }, new byte[600]).Fragments(64)[0];
        Assert.Equal(DropReason.None, host.Receive(Start, other));
    }

    [Fact]
    public void A_fragment_header_on_a_whole_packet_changes_nothing()
    {
        // RFC 6946: an atomic fragment is a packet of its own, whatever else has the same identification.
        var host = Host.AtHome();
        host.Receive(Start, Frames.Udp(ToDnsV6, new byte[600]).Fragments(64)[1]);
        var atomic = Frames.Udp(ToDnsV6, 1, 2, 3).Fragments(1000);
        Assert.Equal(DropReason.None, host.Receive(Start, Assert.Single(atomic)));
        Assert.Equal(1, host.Stack.Endpoints.OfType<UdpEndpoint>().Single().WaitingDatagrams);
    }

    [Fact]
    public void Extension_headers_before_the_fragment_header_stay_and_name_what_followed_it()
    {
        var host = Host.AtHome();
        foreach (var fragment in Frames.Udp(ToDnsV6, new byte[600]).Fragments(320))
        {
            // Destination options (padding) between the IPv6 header and the fragment header.
            byte[] options = [44, 0, 1, 4, 0, 0, 0, 0];
            var rest = fragment.PacketBytes[Ipv6Header.Length..];
            host.Receive(Start, Frames.Extended(Host.ClientV6, Host.ServiceAddressV6, 60, [.. options, .. rest]));
        }

        Assert.Equal(600, host.Stack.Endpoints.OfType<UdpEndpoint>().Single().NextLength);
    }

    [Fact]
    public void A_mark_of_congestion_on_one_fragment_is_one_on_the_packet_and_beside_an_unmarkable_one_ends_it()
    {
        foreach (var (first, second, survives) in new[] { (2, 3, true), (2, 2, true), (0, 3, false) })
        {
            var host = Host.AtHome();
            var fragments = Frames.Udp(ToDns, new byte[100]).Fragments(64);
            int[] marks = [first, second];
            for (int i = 0; i < 2; i++)
            {
                var header = fragments[i].Bytes.AsSpan(EthernetHeader.Length, Ipv4Header.Length);
                header[1] = (byte)marks[i];
                Ipv4Header.WriteChecksum(header);
                host.Receive(Start, fragments[i]);
            }

            Assert.Equal(survives ? 1 : 0, host.Stack.Endpoints.Count);
        }
    }
}

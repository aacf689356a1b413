using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>Handshakes while there are too many: cookies instead of endpoints (RFC 4987 §3.6).</summary>
public sealed class SynCookieTests
{
    private const int Bound = 8;
    private static readonly Instant Start = Instant.Zero + TimeSpan.FromMinutes(10);
    private static readonly TcpOptions Full = new() { Mss = 1460, WindowScale = 9, SackPermitted = true, HasTimestamps = true, TimestampValue = 5_000 };

    public static TheoryData<bool> Families => [false, true];

    [Fact]
    public void Below_pressure_every_syn_is_kept()
    {
        var host = Home();
        Flood(host, Bound);
        Assert.Equal((Bound, Bound, 0L), (host.Stack.Endpoints.Count, host.Stack.HalfOpenEndpoints, host.Stack.SynCookiesSent));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_flood_beyond_the_bound_keeps_what_is_established_and_lets_new_clients_in(bool v6)
    {
        var host = Home();
        var old = Tuple(v6, 4000);
        host.Receive(Start, Frames.Tcp(old, TcpFlags.Syn, 100));
        uint iss = host.EmitOne(Start).Tcp.Sequence.Value;
        host.Receive(Start, Frames.Tcp(old, TcpFlags.Ack, 101, iss + 1));
        var established = (TcpEndpoint)host.Stack.Endpoints.Single();

        Flood(host, 1000);
        Assert.Equal(Bound, host.Stack.HalfOpenEndpoints);
        Assert.Equal(Bound + 1, host.Stack.Endpoints.Count);
        Assert.Equal(1000 - Bound, host.Stack.SynCookiesSent);
        host.Receive(Start, Frames.Tcp(old, TcpFlags.Ack | TcpFlags.Psh, 101, iss + 1, [1, 2, 3]));
        Assert.Equal(3, established.Connection!.ReadableBytes);
        host.Emit(Start);

        var tuple = Tuple(v6, 5000);
        Assert.Null(Ask(host, tuple, Full, out var answer));
        var served = Answer(host, tuple, answer, Start + TimeSpan.FromMilliseconds(80));
        Assert.True(served!.IsEstablished);
        Assert.Equal(EndpointEvents.Established, host.TakeEvents()[served] & EndpointEvents.Established);
        Assert.Equal(1, host.Stack.SynCookiesAccepted);
        Assert.Equal(Epoch.First, served.Epoch);
        Assert.True(host.Stack.ReferenceMatches(served, served.Reference.Span));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void What_the_syn_offered_is_agreed_on_as_if_it_had_been_kept(bool v6)
    {
        var patient = Host.AtHome().Knowing(v6 ? Host.ClientV6 : Host.Client, Host.ClientMac);
        var host = Pressed();
        foreach (var offered in new[]
        {
            Full,
            Full with { SackPermitted = false },
            Full with { WindowScale = null },
            Full with { WindowScale = 0, Mss = 1220 },
            Full with { WindowScale = 14, Mss = 536 },
        })
        {
            var tuple = Tuple(v6, (ushort)(6000 + offered.GetHashCode() % 1000 + (offered.SackPermitted ? 2000 : 0)));
            Ask(patient, tuple, offered, out var expected);
            Ask(host, tuple, offered, out var answer);
            Assert.Equal(
                (expected.Tcp.Options.Mss, expected.Tcp.Options.WindowScale, expected.Tcp.Options.SackPermitted, expected.Tcp.Window),
                (answer.Tcp.Options.Mss, answer.Tcp.Options.WindowScale, answer.Tcp.Options.SackPermitted, answer.Tcp.Window));
            Assert.Equal(offered.TimestampValue, answer.Tcp.Options.TimestampEcho);

            var kept = Answer(patient, tuple, expected, Start)!.Connection!;
            var made = Answer(host, tuple, answer, Start)!.Connection!;
            kept.Write(new byte[20_000]);
            made.Write(new byte[20_000]);
            Assert.Equal(Lengths(patient, Start), Lengths(host, Start));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ecn_is_agreed_on_when_the_syn_asked_for_it(bool asks)
    {
        var host = Pressed();
        var tuple = Tuple(v6: false, 5000);
        var flags = TcpFlags.Syn | (asks ? TcpFlags.Ece | TcpFlags.Cwr : 0);
        host.Receive(Start, Frames.Tcp(tuple, flags, 700, options: Full));
        var answer = host.EmitOne(Start);
        Assert.Equal(asks, answer.Tcp.Has(TcpFlags.Ece));
        var endpoint = Answer(host, tuple, answer, Start)!;
        endpoint.Write(Start, [1]);
        Assert.Equal(asks ? 2 : 0, host.EmitOne(Start).Packet.TrafficClass);
    }

    [Fact]
    public void Without_timestamps_only_the_mss_is_kept()
    {
        var host = Pressed();
        var tuple = Tuple(v6: false, 5000);
        Ask(host, tuple, new TcpOptions { Mss = 1400, WindowScale = 9, SackPermitted = true }, out var answer);
        Assert.Null(answer.Tcp.Options.WindowScale);
        Assert.False(answer.Tcp.Options.SackPermitted || answer.Tcp.Options.HasTimestamps);
        var endpoint = Answer(host, tuple, answer, Start)!;
        endpoint.Write(Start, new byte[5000]);
        Assert.Equal(1380, Lengths(host, Start)[0]);
    }

    [Fact]
    public void Data_in_the_acknowledgment_are_not_lost()
    {
        var host = Pressed();
        var tuple = Tuple(v6: false, 5000);
        Ask(host, tuple, Full, out var answer);
        var ack = Frames.Tcp(tuple, TcpFlags.Ack | TcpFlags.Psh, 701, answer.Tcp.Sequence.Value + 1, [7, 8], Echo(answer));
        Assert.Equal(DropReason.None, host.Receive(Start, ack));
        Assert.Equal(2, ((TcpEndpoint)host.Created!).Connection!.ReadableBytes);
    }

    [Fact]
    public void Forged_and_old_cookies_make_nothing_but_resets()
    {
        var host = Pressed();
        var tuple = Tuple(v6: false, 5000);
        Ask(host, tuple, Full, out var answer);
        int endpoints = host.Stack.Endpoints.Count;
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            host.Receive(Start, Frames.Tcp(Tuple(v6: false, (ushort)(5001 + i)), TcpFlags.Ack, 701, (uint)random.NextInt64(1L << 32), options: Echo(answer)));
        }

        // Another client's, of another number, of two minutes ago.
        host.Receive(Start, Frames.Tcp(tuple with { RemotePort = 4999 }, TcpFlags.Ack, 701, answer.Tcp.Sequence.Value + 1, options: Echo(answer)));
        host.Receive(Start, Frames.Tcp(tuple, TcpFlags.Ack, 702, answer.Tcp.Sequence.Value + 1, options: Echo(answer)));
        host.Receive(Start, Frames.Tcp(tuple, TcpFlags.Ack, 701, answer.Tcp.Sequence.Value + 2, options: Echo(answer)));
        Assert.Equal(5003, host.Stack.SynCookiesRefused);
        var late = Start + 2 * TimeSpan.FromSeconds(64);
        Ask(host, Tuple(v6: false, 4998), Full, out _, late);
        host.Receive(late, Frames.Tcp(tuple, TcpFlags.Ack, 701, answer.Tcp.Sequence.Value + 1, options: Echo(answer)));
        Assert.Equal(0, host.Stack.SynCookiesAccepted);
        Assert.Equal(endpoints, host.Stack.Endpoints.Count);
    }

    [Fact]
    public void A_cookie_outlives_one_change_of_the_key_and_not_two()
    {
        var host = Pressed();
        Ask(host, Tuple(v6: false, 5000), Full, out var first);
        Ask(host, Tuple(v6: false, 5001), Full, out var second);
        host.Stack.ChangeCookieKey(new HashKey(7, 8));
        Assert.NotNull(Answer(host, Tuple(v6: false, 5000), first, Start));
        host.Stack.ChangeCookieKey(new HashKey(9, 10));
        Assert.Null(Answer(host, Tuple(v6: false, 5001), second, Start));
    }

    [Fact]
    public void While_no_cookies_are_about_acknowledgments_are_not_looked_at()
    {
        var host = Home();
        host.Receive(Start, Frames.Tcp(Tuple(v6: false, 5000), TcpFlags.Ack, 1, 1));
        Assert.Equal(0, host.Stack.SynCookiesRefused);
        Assert.Equal(1, host.Stack.ResetsSent);
    }

    [Fact]
    public void A_listener_whose_backlog_is_full_of_handshakes_answers_by_cookies_and_bounds_what_waits()
    {
        var host = Home();
        var listener = host.Stack.Listen(Host.Node, 6082, backlog: 2);
        for (ushort port = 1; port <= 3; port++)
        {
            host.Receive(Start, Frames.Tcp(new FourTuple(Host.Node, 6082, Host.Client, port), TcpFlags.Syn, 700, options: Full));
        }

        var answers = host.Emit(Start);
        Assert.Equal((3, 2, 1L), (answers.Count, listener.Pending, host.Stack.SynCookiesSent));
        foreach (var answer in answers.OrderByDescending(a => a.Tcp.DestinationPort))
        {
            var tuple = new FourTuple(Host.Node, 6082, Host.Client, answer.Tcp.DestinationPort);
            host.Receive(Start, Frames.Tcp(tuple, TcpFlags.Ack, 701, answer.Tcp.Sequence.Value + 1, options: Echo(answer)));
        }

        Assert.Equal((3, 0), (listener.Pending, listener.HalfOpen));
        Assert.Equal(DropReason.BacklogFull, host.Receive(Start, Frames.Tcp(new FourTuple(Host.Node, 6082, Host.Client, 9), TcpFlags.Syn, 700)));
        Assert.True(listener.TryAccept(out var accepted));
        Assert.Equal(3, accepted.Flow.Tuple.RemotePort);
    }

    [Fact]
    public void Handshakes_that_end_make_room_for_keeping_again()
    {
        var host = Home();
        Flood(host, 100);
        for (int i = 0; i < 100; i++)
        {
            host.Receive(Start, Frames.Tcp(Spoofed(i), TcpFlags.Rst, 701));
        }

        host.Emit(Start);
        Assert.Equal(0, host.Stack.HalfOpenEndpoints);
        Assert.NotNull(Ask(host, Tuple(v6: false, 5000), Full, out _));
    }

    private static Host Home() => Host.AtHome(new StackLimits { HalfOpenEndpoints = Bound, ResetsPerSecond = 1_000_000 })
        .Knowing(Host.Client, Host.ClientMac).Knowing(Host.ClientV6, Host.ClientMac).Knowing(Host.Gateway, Host.ClientMac);

    private static Host Pressed()
    {
        var host = Home();
        Flood(host, Bound);
        return host;
    }

    private static void Flood(Host host, int syns)
    {
        for (int i = 0; i < syns; i++)
        {
            host.Receive(Start, Frames.Tcp(Spoofed(i), TcpFlags.Syn, 700));
            host.Emit(Start);
        }
    }

    private static FourTuple Spoofed(int i) => new(Host.ServiceAddress, 80, InetAddress.FromV4(0xCB00_7100 + (uint)(i >> 8)), (ushort)(1000 + (i & 0xFF)));

    private static FourTuple Tuple(bool v6, ushort port) =>
        v6 ? new(Host.ServiceAddressV6, 80, Host.ClientV6, port) : new(Host.ServiceAddress, 80, Host.Client, port);

    private static TcpEndpoint? Ask(Host host, in FourTuple tuple, TcpOptions offered, out Frame answer, Instant? at = null)
    {
        var now = at ?? Start;
        ushort port = tuple.RemotePort;
        Assert.Equal(DropReason.None, host.Receive(now, Frames.Tcp(tuple, TcpFlags.Syn, 700, options: offered)));
        var created = (TcpEndpoint?)host.Created;
        answer = host.Emit(now).Single(f => f.Link.EtherType != EtherType.Arp && !f.IsNeighbourDiscovery && f.Tcp.DestinationPort == port);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Tcp.Flags & (TcpFlags.Syn | TcpFlags.Ack));
        return created;
    }

    /// <summary>The client's acknowledgment of a SYN-ACK; gives the endpoint that it belongs to, if there is one.</summary>
    private static TcpEndpoint? Answer(Host host, in FourTuple tuple, Frame answer, Instant now)
    {
        host.Receive(now, Frames.Tcp(tuple, TcpFlags.Ack, 701, answer.Tcp.Sequence.Value + 1, options: Echo(answer)));
        host.Emit(now);
        return (TcpEndpoint?)host.Stack.Find(new Flow(IpProtocol.Tcp, tuple));
    }

    private static TcpOptions Echo(Frame answer) => answer.Tcp.Options.HasTimestamps
        ? new TcpOptions { HasTimestamps = true, TimestampValue = 5_080, TimestampEcho = answer.Tcp.Options.TimestampValue }
        : default;

    private static int[] Lengths(Host host, Instant now)
    {
        foreach (var endpoint in host.Stack.Endpoints.OfType<TcpEndpoint>())
        {
            endpoint.Write(now, []);
        }

        return [.. host.Emit(now).Where(f => f.Link.EtherType != EtherType.Arp && f.Packet.Protocol == IpProtocol.Tcp && f.TcpPayload.Length > 0).Select(f => f.TcpPayload.Length)];
    }
}

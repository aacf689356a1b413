using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Link;
using Baton.Tcp;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>Options of services, listeners and connections, seen in the kernel's packets and by asking.</summary>
public sealed class ConnectionOptionsTests
{
    private static readonly ConnectionOptions s_service = new()
    {
        Dscp = 46, HopLimit = 77, Congestion = CongestionAlgorithm.NewReno, UserTimeout = TimeSpan.FromSeconds(30), NotSentLimit = 32768,
        KeepAliveTime = TimeSpan.FromSeconds(7), KeepAliveInterval = TimeSpan.FromSeconds(3), KeepAliveProbes = 4,
        SendBuffer = 100_000, ReceiveBuffer = 1 << 18, Linger = TimeSpan.FromSeconds(20),
    };

    [RealFact]
    public async Task What_a_service_asks_for_holds_from_the_syn_on_and_a_connection_can_change_it()
    {
        await using var farm = await PeerFarm.StartAsync(services: service => service with { Connections = s_service });
        using var capture = farm.Capture();
        await using var listener = await farm.Engine.BindAsync(
            new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.FirstPort)), "test", new ListenerOptions { NoDelay = true });
        var socket = farm.Open(v6: false);
        await socket.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6: false), PeerFarm.FirstPort), Wait.Patience());
        await using var connection = await listener.AcceptAsync(Wait.Patience());
        Assert.Equal(s_service with { NoDelay = true, Cork = false }, await connection.GetOptionsAsync());

        var changed = new ConnectionOptions
        {
            Dscp = 10, HopLimit = 33, Congestion = CongestionAlgorithm.Bbr, NoDelay = false, Linger = Timeout.InfiniteTimeSpan, SendBuffer = 50_000,
        };
        await connection.SetOptionsAsync(changed);
        Assert.Equal(
            s_service with { Dscp = 10, HopLimit = 33, Congestion = CongestionAlgorithm.Bbr, NoDelay = false, Cork = false, Linger = Timeout.InfiniteTimeSpan, SendBuffer = 50_000 },
            await connection.GetOptionsAsync());
        await Assert.ThrowsAsync<ArgumentException>(async () => await connection.SetOptionsAsync(new() { Dscp = 64, HopLimit = 0 }));

        // Corked, what is written in parts leaves as one segment.
        await connection.SetOptionsAsync(new() { Cork = true });
        await connection.SendAllAsync(new byte[100], Wait.Patience());
        await connection.SendAllAsync(new byte[200], Wait.Patience());
        await connection.SetOptionsAsync(new() { Cork = false });
        byte[] received = new byte[300];
        for (int length = 0; length < received.Length; length += await socket.ReceiveAsync(received.AsMemory(length), Wait.Patience()))
        {
        }

        // The shard has gone on since the segment left, so it is captured.
        await connection.GetOptionsAsync();
        var sent = capture.Stop().Where(frame => frame.Direction == CaptureDirection.Outbound).Select(frame => Of(frame.Frame)).Where(p => p.Port == PeerFarm.FirstPort).ToArray();
        Assert.Equal((46, 77), (sent[0].Dscp, sent[0].HopLimit));
        Assert.Contains(sent, packet => (packet.Dscp, packet.HopLimit, packet.Text) == (10, 33, 300));
        Assert.DoesNotContain(sent, packet => packet.Text is 100 or 200);
    }

    [RealFact]
    public async Task A_connection_that_is_made_has_its_options_from_the_syn_on()
    {
        await using var farm = await PeerFarm.StartAsync();
        using var capture = farm.Capture();
        var listener = farm.Listen(PeerFarm.Kernel(v6: false));
        var accepting = listener.AcceptAsync(Wait.Patience());
        var options = new ConnectOptions { Connection = new() { HopLimit = 9, Congestion = CongestionAlgorithm.NewReno, NoDelay = true } };
        await using var connection = await farm.Engine.ConnectAsync((IPEndPoint)listener.LocalEndPoint!, "client", options, Wait.Patience());
        farm.Owned(await accepting);
        var present = await connection.GetOptionsAsync();
        Assert.Equal(((byte?)9, CongestionAlgorithm.NewReno, true), (present.HopLimit, present.Congestion, present.NoDelay));
        Assert.All(
            capture.Stop().Where(frame => frame.Direction == CaptureDirection.Outbound).Select(frame => Of(frame.Frame)).Where(packet => packet.Port != 0),
            packet => Assert.Equal(9, packet.HopLimit));
    }

    [RealFact]
    public async Task Who_defers_accepting_gets_only_connections_that_said_something_or_closed()
    {
        await using var farm = await PeerFarm.StartAsync();
        await using var listener = await farm.Engine.BindAsync(
            new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.FirstPort)), "test", new ListenerOptions { DeferAccept = true });
        var service = new IPEndPoint(PeerFarm.Service(v6: false), PeerFarm.FirstPort);
        var silent = farm.Open(v6: false);
        await silent.ConnectAsync(service, Wait.Patience());
        var speaking = farm.Open(v6: false);
        await speaking.ConnectAsync(service, Wait.Patience());
        await speaking.SendAsync(new byte[1], Wait.Patience());
        await using (var first = await listener.AcceptAsync(Wait.Patience()))
        {
            Assert.Equal(((IPEndPoint)speaking.LocalEndPoint!).Port, first.Flow.Tuple.RemotePort);
        }

        silent.Shutdown(SocketShutdown.Send);
        await using var second = await listener.AcceptAsync(Wait.Patience());
        Assert.Equal(((IPEndPoint)silent.LocalEndPoint!).Port, second.Flow.Tuple.RemotePort);
    }

    private static (int Port, int Dscp, int HopLimit, int Text) Of(byte[] frame)
    {
        const int ttl = 8;
        var bytes = frame.AsSpan(EthernetHeader.Length);
        return IpPacket.TryParse(bytes, out var packet) == DropReason.None && packet.Protocol == IpProtocol.Tcp
            && TcpHeader.TryParse(packet.Payload(bytes), out var header, out int headerLength) == DropReason.None
            ? (header.SourcePort, packet.TrafficClass >> 2, bytes[ttl], packet.Payload(bytes).Length - headerLength)
            : default;
    }
}

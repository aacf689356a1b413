using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Link;
using Baton.Testing;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>The kernel's TCP as the peer, opened by either side, with each of its congestion controls, on good and bad paths.</summary>
public sealed class KernelTcpTests
{
    private const int TCP_CONGESTION = 13;

    /// <summary>What every path costs.</summary>
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(1);

    private static readonly string[] s_controls = ["cubic", "reno", "bbr"];

    public static TheoryData<bool, int, bool, LinkKind?> Paths => new()
    {
        { false, 0, false, null }, { false, 1, false, null }, { false, 5, false, null }, { false, 0, true, null },
        { true, 0, false, null }, { true, 1, false, null }, { true, 5, false, null }, { true, 0, true, null },
        { false, 0, false, LinkKind.Packet }, { true, 1, false, LinkKind.Packet },
        { true, 0, false, LinkKind.Xdp }, { false, 1, true, LinkKind.Xdp },
    };

    [RealTheory]
    [MemberData(nameof(Paths))]
    public async Task Both_streams_arrive_whole_whoever_opens_and_whatever_controls_congestion(bool v6, int lossPercent, bool reordering, LinkKind? link)
    {
        var profile = lossPercent == 0 && !reordering ? FaultProfile.Perfect : new FaultProfile
        {
            Delay = s_delay, Loss = lossPercent / 100.0, Reordering = reordering ? 0.05 : 0, ReorderDelay = 3 * s_delay,
        };
        int bytes = profile == FaultProfile.Perfect ? 16 << 20 : lossPercent < 5 ? 2 << 20 : 1 << 19;
        var limits = profile == FaultProfile.Perfect ? new EngineLimits() : new EngineLimits { SendBuffer = 256 << 10 };
        await using var farm = await PeerFarm.StartAsync(profile, limits, kind: link);
        await farm.ServeAsync(PeerFarm.FirstPort, new Duplex());
        await Task.WhenAll(s_controls.SelectMany(control => new[] { PassiveAsync(farm, v6, control, bytes), ActiveAsync(farm, v6, control, bytes) }));
        Assert.Equal(profile != FaultProfile.Perfect, farm.FaultsMet > 0);
    }

    [RealTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tshark_finds_nothing_wrong_with_either_way_of_opening(bool v6)
    {
        Assert.SkipUnless(Tshark.IsInstalled, Tshark.Needed);
        await using var farm = await PeerFarm.StartAsync();
        await farm.ServeAsync(PeerFarm.FirstPort, new Duplex());
        using var capture = farm.Capture();
        await PassiveAsync(farm, v6, "cubic", 1 << 20);
        await ActiveAsync(farm, v6, "cubic", 1 << 20, PeerFarm.FirstPort);
        await Tshark.AssertExplainedAsync(capture.StopFile(), "client", PeerFarm.FirstPort);
    }

    [RealTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tcptrace_sees_whole_connections_closed_by_both_sides(bool v6)
    {
        Assert.SkipUnless(TcpTrace.IsInstalled, TcpTrace.Needed);
        await using var farm = await PeerFarm.StartAsync();
        await farm.ServeAsync(PeerFarm.FirstPort, new Duplex());
        using var capture = farm.Capture();
        await PassiveAsync(farm, v6, "cubic", 1 << 20);
        await ActiveAsync(farm, v6, "cubic", 1 << 20);
        var connections = await TcpTrace.ReadAsync(capture.StopFile());
        Assert.Equal(2, connections.Count);
        Assert.All(connections, connection =>
        {
            Assert.True(connection.IsComplete, connection.Text);
            Assert.All(connection.Sides, side =>
            {
                Assert.Equal((0L, 0L), (side["missed data"], side["truncated data"]));
                Assert.Equal(side["ttl stream length"], side["unique bytes sent"]);
                Assert.InRange(side["unique bytes sent"], 1 << 20, long.MaxValue);
            });
        });
    }

    /// <summary>The kernel opens.</summary>
    private static async Task PassiveAsync(PeerFarm farm, bool v6, string control, int bytes)
    {
        var socket = farm.Open(v6);
        Use(socket, control);
        await socket.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6), PeerFarm.FirstPort), Wait.Patience());
        await StreamAsync(socket, control, bytes);
    }

    /// <summary>The node opens.</summary>
    private static async Task ActiveAsync(PeerFarm farm, bool v6, string control, int bytes, int port = 0)
    {
        var listener = farm.Listen(PeerFarm.Kernel(v6), port);
        Use(listener, control);
        var accepting = listener.AcceptAsync(Wait.Patience());
        var serving = OpenAsync(farm, (IPEndPoint)listener.LocalEndPoint!);
        await StreamAsync(farm.Owned(await accepting), control, bytes);
        await serving;
    }

    private static async Task OpenAsync(PeerFarm farm, IPEndPoint peer)
    {
        await using var connection = await farm.Engine.ConnectAsync(peer, "duplex", Wait.Patience());
        await new Duplex().ServeAsync(connection);
    }

    private static async Task StreamAsync(Socket socket, string control, int bytes)
    {
        byte[] used = new byte[16];
        int length = socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, TCP_CONGESTION, used);
        Assert.Equal(control, Encoding.ASCII.GetString(used, 0, length).TrimEnd('\0'));
        var client = DuplexClient.Start(socket);
        await client.ProgressAsync(bytes);
        await client.FinishAsync();
    }

    private static void Use(Socket socket, string control)
    {
        try
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TCP_CONGESTION, Encoding.ASCII.GetBytes(control));
        }
        catch (SocketException)
        {
            Assert.Skip($"this kernel has no congestion control {control}");
        }
    }
}

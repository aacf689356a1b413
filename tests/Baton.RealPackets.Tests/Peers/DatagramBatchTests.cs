using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Link;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>Batches of datagrams with the kernel's UDP_SEGMENT and UDP_GRO at the other end.</summary>
public sealed class DatagramBatchTests
{
    private const int SOL_UDP = 17, UDP_SEGMENT = 103, UDP_GRO = 104;
    private const int DatagramLength = 1000;
    private const int FrameLength = 1514;

    [RealTheory]
    [InlineData(false, LinkKind.Tap)]
    [InlineData(true, LinkKind.Tap)]
    [InlineData(false, LinkKind.Packet)]
    [InlineData(true, LinkKind.Packet)]
    public async Task A_batch_crosses_as_one_frame_both_ways_and_is_its_datagrams_at_each_end(bool v6, LinkKind link)
    {
        await using var farm = await PeerFarm.StartAsync(kind: link);
        var listener = await farm.Engine.BindDatagramAsync(new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.UdpPort)), "echo");
        _ = AcceptAsync(farm, listener);
        var socket = farm.Open(v6, SocketType.Dgram);
        await socket.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6), PeerFarm.UdpPort), Wait.Patience());
        byte[] buffer = new byte[65_536];

        // The neighbours get to know each other, and the first datagram makes the endpoint.
        await socket.SendAsync(new byte[] { 1 }, Wait.Patience());
        Assert.Equal(1, await socket.ReceiveAsync(buffer, Wait.Patience()));

        byte[] batch = new byte[(30 * DatagramLength) + 7];
        Random.Shared.NextBytes(batch);
        Set(socket, UDP_SEGMENT, DatagramLength);
        using var capture = farm.Capture();
        await socket.SendAsync(batch, Wait.Patience());
        var single = new List<byte>();
        while (single.Count < batch.Length)
        {
            int length = await socket.ReceiveAsync(buffer, Wait.Patience());
            Assert.InRange(length, 1, DatagramLength);
            single.AddRange(buffer.AsSpan(0, length));
        }

        Assert.Equal(batch, single);
        Set(socket, UDP_GRO, 1);
        await socket.SendAsync(batch, Wait.Patience());
        Assert.Equal(batch.Length, await socket.ReceiveAsync(buffer, Wait.Patience()));
        Assert.Equal(batch, buffer[..batch.Length]);

        var frames = capture.Stop();
        Assert.Equal(2, frames.In().Count(frame => frame.Frame.Length > FrameLength));
        Assert.Equal(2, frames.Out().Count(frame => frame.Frame.Length > FrameLength));
    }

    [RealFact]
    public async Task Over_a_link_that_does_not_cut_each_datagram_is_a_frame()
    {
        await using var farm = await PeerFarm.StartAsync(new FaultProfile { Delay = TimeSpan.FromMilliseconds(0.1) });
        var listener = await farm.Engine.BindDatagramAsync(new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.UdpPort)), "echo");
        _ = AcceptAsync(farm, listener);
        var socket = farm.Open(v6: false, SocketType.Dgram);
        await socket.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6: false), PeerFarm.UdpPort), Wait.Patience());
        Set(socket, UDP_SEGMENT, DatagramLength);
        byte[] batch = new byte[10 * DatagramLength];
        Random.Shared.NextBytes(batch);
        await socket.SendAsync(batch, Wait.Patience());
        byte[] buffer = new byte[65_536];
        var received = new List<byte>();
        while (received.Count < batch.Length)
        {
            int length = await socket.ReceiveAsync(buffer, Wait.Patience());
            Assert.Equal(DatagramLength, length);
            received.AddRange(buffer.AsSpan(0, length));
        }

        Assert.Equal(batch, received);
    }

    private static async Task AcceptAsync(PeerFarm farm, DatagramListener listener)
    {
        try
        {
            while (true)
            {
                _ = EchoAsync(farm, await listener.AcceptAsync(farm.Stopping));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or BatonException)
        {
            await listener.DisposeAsync();
        }
    }

    /// <summary>Gives each batch back as it came.</summary>
    private static async Task EchoAsync(PeerFarm farm, DatagramConnection connection)
    {
        byte[] buffer = new byte[65_536];
        try
        {
            while (true)
            {
                var batch = await connection.ReceiveBatchAsync(buffer, farm.Stopping);
                await connection.SendBatchAsync(buffer.AsMemory(0, batch.Length), batch.DatagramLength, farm.Stopping);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or BatonException)
        {
            await connection.DisposeAsync();
        }
    }

    private static void Set(Socket socket, int option, int value) =>
        socket.SetRawSocketOption(SOL_UDP, option, BitConverter.GetBytes(value));
}

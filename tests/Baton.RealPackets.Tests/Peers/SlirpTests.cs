using System.Net.Sockets;
using System.Security.Cryptography;
using Baton.Link;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>A second user-space TCP as the peer, opened by either side: no SACK, no timestamps, no window scale, timers of half a second.</summary>
public sealed class SlirpTests
{
    [RealTheory]
    [InlineData(0, false, 8 << 20)]
    [InlineData(1, false, 256 << 10)]
    [InlineData(0, true, 1 << 20)]
    public async Task Both_streams_arrive_whole_whoever_opens(int lossPercent, bool reordering, int bytes)
    {
        await using var farm = await StartAsync(lossPercent, reordering);
        await BothAsync(farm, async socket =>
        {
            var client = DuplexClient.Start(socket);
            await client.ProgressAsync(bytes);
            await client.FinishAsync();
        });
        Assert.Equal(lossPercent > 0 || reordering, farm.FaultsMet > 0);
    }

    [RealFact]
    public async Task With_a_loss_in_twenty_each_stream_arrives_whole_by_itself()
    {
        // What slirp has to send, it repeats after a second and more: little, in place of the 128 KiB that it would buffer.
        await using var farm = await StartAsync(lossPercent: 5, reordering: false);
        await BothAsync(farm, async socket =>
        {
            var client = DuplexClient.Start(socket, uploads: false);
            await client.ProgressAsync(128 << 10);
            await client.FinishAsync();
        });
        await BothAsync(farm, socket => UploadAsync(socket, 16 << 10));
        Assert.True(farm.FaultsMet > 0);
    }

    private static Task<SlirpFarm> StartAsync(int lossPercent, bool reordering)
    {
        PeerProgram.Need("slirp4netns", "slirp4netns");
        return SlirpFarm.StartAsync(lossPercent == 0 && !reordering ? FaultProfile.Perfect : new FaultProfile
        {
            Delay = TimeSpan.FromMilliseconds(1), Loss = lossPercent / 100.0, Reordering = reordering ? 0.05 : 0, ReorderDelay = TimeSpan.FromMilliseconds(3),
        });
    }

    /// <summary>At once, a connection that slirp opens to the node and one that the node opens.</summary>
    private static Task BothAsync(SlirpFarm farm, Func<Socket, Task> use)
    {
        return Task.WhenAll(PassiveAsync(), ActiveAsync());

        async Task PassiveAsync() => await use(await farm.ConnectAsync());

        async Task ActiveAsync()
        {
            var (listener, remote) = farm.Listen();
            var accepting = listener.AcceptAsync(Wait.Patience());
            var serving = ServeAsync();
            using var socket = await accepting;
            await use(socket);
            await serving;

            async Task ServeAsync()
            {
                await using var connection = await farm.Engine.ConnectAsync(remote, "duplex", Wait.Patience());
                await new Duplex().ServeAsync(connection);
            }
        }
    }

    private static async Task UploadAsync(Socket socket, int length)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(length);
        await socket.SendAsync(new[] { DuplexClient.UpOnly });
        await socket.SendAsync(sent);
        socket.Shutdown(SocketShutdown.Send);
        byte[] digest = new byte[SHA256.HashSizeInBytes];
        for (int received = 0; received < digest.Length;)
        {
            int more = await socket.ReceiveAsync(digest.AsMemory(received), Wait.Patience());
            Assert.True(more > 0, "the answer is cut off");
            received += more;
        }

        Assert.Equal(SHA256.HashData(sent), digest);
    }
}

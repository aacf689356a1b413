using System.Net;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>
/// Joins connections of the node with sockets of the kernel, in either direction, so that programs of others serve and use
/// the node's TCP unchanged.
/// </summary>
internal static class Forwarder
{
    private const int BufferLength = 64 << 10;

    /// <summary>What comes to a service of the node goes on to a server of the kernel's namespace.</summary>
    public static Task InwardsAsync(this PeerFarm farm, ushort port, IPEndPoint server) => farm.ServeAsync(port, new Inward(farm, server));

    /// <summary>What comes to a port of the kernel's loopback goes on to a server by a connection that the node opens.</summary>
    /// <returns>Where to connect to.</returns>
    public static IPEndPoint Outwards(this PeerFarm farm, IPEndPoint server)
    {
        var listener = farm.Listen(IPAddress.Loopback);
        _ = AcceptAsync(farm, listener, server);
        return (IPEndPoint)listener.LocalEndPoint!;
    }

    /// <summary>Datagrams to the node's UDP service go on to a server of the kernel's namespace, a socket for each flow.</summary>
    public static async Task DatagramsInwardsAsync(this PeerFarm farm, IPEndPoint server)
    {
        var listener = await farm.Engine.BindDatagramAsync(new BatonEndPoint(PeerFarm.ServiceName(PeerFarm.UdpPort)), "forward");
        _ = AcceptDatagramsAsync(farm, listener, server);
    }

    private static async Task AcceptAsync(PeerFarm farm, Socket listener, IPEndPoint server)
    {
        try
        {
            while (true)
            {
                _ = OpenAsync(farm, await listener.AcceptAsync(farm.Stopping), server);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The farm stops.
        }
    }

    private static async Task OpenAsync(PeerFarm farm, Socket socket, IPEndPoint server)
    {
        using (socket)
        {
            try
            {
                await using var connection = await farm.Engine.ConnectAsync(server, "forward", farm.Stopping);
                await JoinAsync(connection, socket, farm.Stopping);
            }
            catch (Exception end) when (end is BatonException or OperationCanceledException)
            {
                // What ended there ends here, with the socket.
            }
        }
    }

    private static async Task AcceptDatagramsAsync(PeerFarm farm, DatagramListener listener, IPEndPoint server)
    {
        try
        {
            while (true)
            {
                _ = JoinDatagramsAsync(farm, await listener.AcceptAsync(farm.Stopping), server);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or BatonException)
        {
            await listener.DisposeAsync();
        }
    }

    private static async Task JoinDatagramsAsync(PeerFarm farm, DatagramConnection connection, IPEndPoint server)
    {
        await using (connection)
        {
            var socket = farm.Open(v6: false, SocketType.Dgram);
            socket.Connect(server);
            try
            {
                await Task.WhenAny(DatagramsToSocketAsync(connection, socket, farm.Stopping), DatagramsToNodeAsync(connection, socket, farm.Stopping));
            }
            catch (Exception end) when (end is BatonException or OperationCanceledException)
            {
                // The flow was idle for too long.
            }
        }
    }

    private static async Task DatagramsToSocketAsync(DatagramConnection connection, Socket socket, CancellationToken stopping)
    {
        byte[] buffer = new byte[BufferLength];
        while (true)
        {
            int length = await connection.ReceiveAsync(buffer, stopping);
            await socket.SendAsync(buffer.AsMemory(0, length), stopping);
        }
    }

    private static async Task DatagramsToNodeAsync(DatagramConnection connection, Socket socket, CancellationToken stopping)
    {
        byte[] buffer = new byte[BufferLength];
        while (true)
        {
            int length = await socket.ReceiveAsync(buffer, stopping);
            await connection.SendAsync(buffer.AsMemory(0, length), stopping);
        }
    }

    /// <summary>Copies both ways, each to its end; a reset on one side becomes one on the other.</summary>
    private static async Task JoinAsync(Connection connection, Socket socket, CancellationToken stopping)
    {
        try
        {
            await Task.WhenAll(ToSocketAsync(connection, socket, stopping), ToNodeAsync(connection, socket, stopping));
        }
        catch (Exception end) when (end is BatonException or SocketException or OperationCanceledException)
        {
            connection.Abort();
            socket.LingerState = new LingerOption(true, 0);
        }
    }

    private static async Task ToSocketAsync(Connection connection, Socket socket, CancellationToken stopping)
    {
        byte[] buffer = new byte[BufferLength];
        while (await connection.ReceiveAsync(buffer, stopping) is > 0 and var length)
        {
            for (int sent = 0; sent < length;)
            {
                sent += await socket.SendAsync(buffer.AsMemory(sent, length - sent), stopping);
            }
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task ToNodeAsync(Connection connection, Socket socket, CancellationToken stopping)
    {
        byte[] buffer = new byte[BufferLength];
        while (await socket.ReceiveAsync(buffer, stopping) is > 0 and var length)
        {
            await connection.SendAllAsync(buffer.AsMemory(0, length), stopping);
        }

        await connection.ShutdownAsync();
    }

    private sealed class Inward(PeerFarm farm, IPEndPoint server) : SampleApplication
    {
        public override string Name => "forward";

        public override async Task ServeAsync(Connection connection)
        {
            using var socket = farm.Open(server.AddressFamily == AddressFamily.InterNetworkV6);
            await socket.ConnectAsync(server, farm.Stopping);
            await JoinAsync(connection, socket, farm.Stopping);
        }
    }
}

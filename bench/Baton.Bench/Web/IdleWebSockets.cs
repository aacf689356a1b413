using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Web;

/// <summary>What a WebSocket costs the server that nobody says anything on.</summary>
internal static class IdleWebSockets
{
    /// <summary>How many are opened.</summary>
    public const int Count = 10_000;

    private const int FirstOnes = 200;

    private static readonly byte[] s_handshake =
        "GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"u8.ToArray();

    /// <summary>Bytes of the objects that the kernel has for each socket of a server, empty buffers and all else left out.</summary>
    public static int KernelBytes { get; } = File.ReadLines("/proc/slabinfo")
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields[0] is "TCP" or "sock_inode_cache" or "filp" or "dentry" or "eventpoll_epi")
        .Sum(fields => int.Parse(fields[3], CultureInfo.InvariantCulture));

    /// <summary>Bytes of the server's managed heap for each.</summary>
    public static double Measure(WebServerProcess server, string networkNamespace, IPEndPoint whom)
    {
        var sockets = new List<Socket>(Count + FirstOnes);
        try
        {
            // What is made once for all is not one's.
            Open(sockets, FirstOnes, networkNamespace, whom);
            long before = server.Usage(collects: true).Heap;
            Open(sockets, Count, networkNamespace, whom);
            return (server.Usage(collects: true).Heap - before) / (double)Count;
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.LingerState = new(enable: true, 0);
                socket.Dispose();
            }
        }
    }

    private static void Open(List<Socket> sockets, int count, string networkNamespace, IPEndPoint whom) => NetworkNamespace.Run(networkNamespace, () =>
    {
        byte[] answer = new byte[1024];
        for (int i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            sockets.Add(socket);
            socket.Connect(whom);
            socket.Send(s_handshake);
            int length = 0;
            while (!answer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
            {
                int more = socket.Receive(answer.AsSpan(length));
                length += more > 0 ? more : throw new BenchException("a WebSocket was refused");
            }

            if (!answer.AsSpan(0, length).StartsWith("HTTP/1.1 101 "u8))
            {
                throw new BenchException("a WebSocket was refused");
            }
        }

        return true;
    });
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Baton.Link;

namespace Baton.Node.Demo;

/// <summary>The client: an ordinary one, with its kernel's own TCP and UDP, in its own namespace.</summary>
internal sealed class DemoClient(DemoNetwork network)
{
    private const int CurlTime = 120;

    /// <summary>Makes kernel sockets in the client's namespace, bound to its address; port 0 for any.</summary>
    public Socket[] Sockets(int count, SocketType type, int port = 0) => NetworkNamespace.Run(network.Client, () =>
    {
        var sockets = new Socket[count];
        for (int i = 0; i < count; i++)
        {
            sockets[i] = new(network.Plan.Client.AddressFamily, type, type == SocketType.Dgram ? ProtocolType.Udp : ProtocolType.Tcp);
            sockets[i].Bind(new IPEndPoint(network.Plan.Client, port));
        }

        return sockets;
    });

    /// <summary>Starts <c>curl</c> in the client's namespace with a fixed local port, so that the connection can be named.</summary>
    public Process Curl(int localPort, params string[] arguments) => Tool.Start(
        "ip",
        [
            "netns", "exec", network.Client, "curl", "--silent", "--show-error", "--fail",
            "--local-port", localPort.ToString(CultureInfo.InvariantCulture),
            "--max-time", CurlTime.ToString(CultureInfo.InvariantCulture),
            .. arguments,
        ]);
}

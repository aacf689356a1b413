using Baton.Scenarios.Script;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Sockets;

/// <summary>Calls that make sockets and connections.</summary>
internal sealed class OpeningCalls(SocketTable sockets)
{
    public PendingCall Socket(SocketCall call)
    {
        if (CallArguments.Text(call, 0) is not ("..." or "AF_INET" or "PF_INET"))
        {
            throw CallArguments.Unsupported(call, call.Arguments[0]);
        }

        var type = CallArguments.Words(call, 1, "SOCK_STREAM", "SOCK_DGRAM", "SOCK_NONBLOCK", "SOCK_CLOEXEC");
        CallArguments.Words(call, 2, "IPPROTO_TCP", "IPPROTO_UDP", "IPPROTO_IP");
        var protocol = type.Contains("SOCK_DGRAM") ? IpProtocol.Udp : IpProtocol.Tcp;
        sockets.Add(call.Result, new(protocol) { NonBlocking = type.Contains("SOCK_NONBLOCK") });
        return () => new(call.Result);
    }

    public PendingCall Bind(SocketCall call)
    {
        var socket = sockets.Of(call);
        socket.BoundPort = CallArguments.Port(call, 1) ?? sockets.Settings.BindPort;
        if (socket.Protocol == IpProtocol.Udp)
        {
            OpenUdp(socket, new(sockets.Settings.LocalAddress, socket.BoundPort.Value, InetAddress.AnyV4, 0));
            return () => socket.Udp is null ? CallResult.Fail("EADDRINUSE") : new(0);
        }

        return () => new(0);
    }

    public PendingCall Listen(SocketCall call)
    {
        var socket = sockets.Of(call);
        ushort port = socket.BoundPort ?? sockets.Settings.BindPort;
        socket.Listener ??= sockets.Host.Stack.Listen(sockets.Settings.LocalAddress, port, (int)CallArguments.Number(call, 1));
        socket.Listener.FastOpen = socket.FastOpen;
        return () => new(0);
    }

    public PendingCall Accept(SocketCall call)
    {
        var socket = sockets.Of(call);
        bool nonBlocking = call.Arguments.Count > 3 && CallArguments.Words(call, 3, "SOCK_NONBLOCK", "SOCK_CLOEXEC").Contains("SOCK_NONBLOCK");
        return () =>
        {
            if (socket.Listener is null)
            {
                return CallResult.Fail("EINVAL");
            }

            if (!socket.CanAccept)
            {
                return null;
            }

            var endpoint = socket.Accept();
            sockets.Host.Stack.Attach(endpoint, socket, "script");
            sockets.Latest = new(IpProtocol.Tcp) { Tcp = endpoint, NonBlocking = nonBlocking, NoDelay = socket.NoDelay, Linger = socket.Linger };
            endpoint.SetNoDelay(socket.NoDelay);
            endpoint.SetLinger(socket.Linger);
            sockets.Add(call.Result, sockets.Latest);
            return new(call.Result);
        };
    }

    public PendingCall Connect(SocketCall call)
    {
        var socket = sockets.Of(call);
        if (socket.Tcp is not null)
        {
            // The second call on a socket that does not block asks what became of the first.
            return () => socket.Connection!.IsSynchronized ? new(0)
                : socket.IsClosed ? CallResult.Fail(socket.TakeError() ?? "ECONNABORTED")
                : CallResult.Fail("EALREADY");
        }

        var settings = sockets.Settings;
        var tuple = new FourTuple(
            settings.LocalAddress, socket.BoundPort ?? 0, settings.RemoteAddress, CallArguments.Port(call, 1) ?? settings.ConnectPort);
        if (socket.Protocol == IpProtocol.Udp)
        {
            socket.Udp?.Close();
            OpenUdp(socket, tuple);
            return () => socket.Udp is null ? CallResult.Fail("EADDRINUSE") : new(0);
        }

        socket.Tcp = sockets.Host.Stack.Connect(sockets.Host.Now, tuple);
        if (socket.Tcp is null)
        {
            return () => CallResult.Fail("EADDRNOTAVAIL");
        }

        socket.Tcp.SetNoDelay(socket.NoDelay);
        socket.Tcp.SetLinger(socket.Linger);
        sockets.Latest = socket;
        sockets.Flows.Select(IpProtocol.Tcp, socket.Tcp.Flow.Tuple);
        if (socket.NonBlocking)
        {
            return () => CallResult.Fail("EINPROGRESS");
        }

        return () => socket.Connection!.State is TcpState.SynSent or TcpState.SynReceived ? null
            : socket.TakeError() is { } error ? CallResult.Fail(error)
            : new(0);
    }

    private void OpenUdp(ScriptSocket socket, FourTuple tuple)
    {
        socket.Udp = sockets.Host.Stack.BindUdp(sockets.Host.Now, tuple);
        if (socket.Udp is { IsConnected: true })
        {
            sockets.Flows.Select(IpProtocol.Udp, socket.Udp.Flow.Tuple);
        }
    }
}

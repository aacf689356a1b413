using Baton.Scenarios.Script;
using Baton.Wire;

namespace Baton.Scenarios.Sockets;

/// <summary>Calls that end a connection, or one direction of it.</summary>
internal sealed class ClosingCalls(SocketTable sockets)
{
    public PendingCall Shutdown(SocketCall call)
    {
        var socket = sockets.Of(call);
        if (socket.Tcp is not { } endpoint || socket.IsClosed)
        {
            return () => CallResult.Fail("ENOTCONN");
        }

        string how = CallArguments.Text(call, 1);
        socket.ReadShutdown |= how is "SHUT_RD" or "SHUT_RDWR" or "0" or "2";
        if (how is "SHUT_WR" or "SHUT_RDWR" or "1" or "2")
        {
            socket.WriteShutdown = true;
            endpoint.CloseWrite(sockets.Host.Now);
        }

        return () => new(0);
    }

    public PendingCall Close(SocketCall call)
    {
        var socket = sockets.Of(call);
        var now = sockets.Host.Now;
        sockets.Remove(CallArguments.Number(call, 0));
        if (socket.Listener is { } listener)
        {
            sockets.Host.Stack.Unlisten(now, listener);
            while (socket.CanAccept)
            {
                socket.Accept().Abort(now);
            }
        }

        socket.Udp?.Close();
        socket.Tcp?.Close(now);
        return () => new(0);
    }
}

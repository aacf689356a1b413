using Baton.Scenarios.Run;
using Baton.Scenarios.Script;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Sockets;

/// <summary>Calls that move bytes. What is written is the pattern, and what is read is compared with it.</summary>
internal sealed class TransferCalls(SocketTable sockets)
{
    public PendingCall Receive(SocketCall call, long length)
    {
        var socket = sockets.Of(call);
        int flagsAt = call.Name switch { "recv" or "recvfrom" => 3, "recvmsg" => 2, _ => -1 };
        var flags = flagsAt > 0 ? CallArguments.Words(call, flagsAt, "MSG_PEEK", "MSG_DONTWAIT", "MSG_TRUNC") : [];
        if (flags.Contains("MSG_TRUNC"))
        {
            throw CallArguments.Unsupported(call, "MSG_TRUNC");
        }

        byte[] buffer = new byte[length];
        return socket.Protocol == IpProtocol.Udp
            ? () => ReceiveDatagram(socket, buffer)
            : () => ReceiveStream(socket, buffer, flags.Contains("MSG_PEEK"));
    }

    public PendingCall Send(SocketCall call, long length)
    {
        var socket = sockets.Of(call);
        if (call.Name is "send" or "sendto" or "sendmsg")
        {
            var flags = CallArguments.Words(call, call.Name == "sendmsg" ? 2 : 3, "MSG_NOSIGNAL", "MSG_DONTWAIT", "MSG_FASTOPEN");
            if (flags.Contains("MSG_FASTOPEN") && socket is { Protocol: IpProtocol.Tcp, Tcp: null })
            {
                return ConnectFast(socket, (int)length, call.Name == "sendto" ? CallArguments.Port(call, 4) : null);
            }
        }

        if (socket.Protocol == IpProtocol.Udp)
        {
            ushort? port = call.Name == "sendto" ? CallArguments.Port(call, 4) : null;
            return () => SendDatagram(socket, (int)length, port);
        }

        long done = 0;
        return () =>
        {
            if (socket.TakeError() is { } error)
            {
                return CallResult.Fail(error);
            }

            if (socket.Tcp is null)
            {
                return CallResult.Fail("EPIPE");
            }

            if (!socket.Tcp.IsOpen && socket.Connection!.State is TcpState.SynSent or TcpState.SynReceived)
            {
                return null;
            }

            if (socket.WriteShutdown || socket.IsClosed)
            {
                return CallResult.Fail("EPIPE");
            }

            int written = socket.Tcp.Write(sockets.Host.Now, StreamPattern.Bytes(socket.Written + 1, (int)(length - done)));
            socket.Written += written;
            done += written;
            bool partial = done > 0 && socket.NonBlocking;
            return done == length || partial ? new(done) : null;
        };
    }

    /// <summary>
    /// Connects with the first bytes in the SYN (RFC 7413). As Linux does, a socket that does not block takes bytes only when it has
    /// a cookie to send them with.
    /// </summary>
    private PendingCall ConnectFast(ScriptSocket socket, int length, ushort? port)
    {
        var settings = sockets.Settings;
        var tuple = new FourTuple(settings.LocalAddress, socket.BoundPort ?? 0, settings.RemoteAddress, port ?? settings.ConnectPort);
        if (!sockets.Host.Stack.TryConnectFast(sockets.Host.Now, tuple, text: default, out var endpoint, out _))
        {
            return () => CallResult.Fail("EADDRNOTAVAIL");
        }

        socket.Tcp = endpoint;
        endpoint.SetNoDelay(socket.NoDelay);
        sockets.Latest = socket;
        sockets.Flows.Select(IpProtocol.Tcp, endpoint.Flow.Tuple);
        bool knows = endpoint.Connection!.HasFastOpenCookie;
        if (socket.NonBlocking && !knows)
        {
            return () => CallResult.Fail("EINPROGRESS");
        }

        socket.Written += endpoint.Write(sockets.Host.Now, StreamPattern.Bytes(1, length));
        return () => knows || endpoint.IsEstablished ? new(length)
            : socket.TakeError() is { } error ? CallResult.Fail(error)
            : null;
    }

    private CallResult? ReceiveStream(ScriptSocket socket, byte[] buffer, bool peek)
    {
        if (socket.Tcp is not { } endpoint)
        {
            return CallResult.Fail("ENOTCONN");
        }

        var connection = endpoint.Connection!;
        if (connection.ReadableBytes == 0)
        {
            bool ended = connection.ReadCompleted || socket.ReadShutdown || connection.State == TcpState.Closed;
            return socket.TakeError() is { } error ? CallResult.Fail(error) : ended ? new(0) : null;
        }

        int count = Math.Min(buffer.Length, connection.ReadableBytes);
        if (peek)
        {
            connection.Peek(out var first, out var second);
            byte[] all = [.. first, .. second];
            all.AsSpan(0, count).CopyTo(buffer);
        }
        else
        {
            count = endpoint.Read(sockets.Host.Now, buffer);
        }

        int difference = StreamPattern.FirstDifference(buffer.AsSpan(0, count), socket.Read + 1);
        long at = socket.Read + difference;
        socket.Read += peek ? 0 : count;
        return new(count, Difference: difference < 0 ? null : $"{count} bytes, of which the one at offset {at} of the stream is wrong");
    }

    private static CallResult? ReceiveDatagram(ScriptSocket socket, byte[] buffer)
    {
        if (socket.Udp is null || !socket.Udp.TryReceive(buffer, out int length, out _, out _))
        {
            return null;
        }

        int difference = StreamPattern.FirstDifference(buffer.AsSpan(0, length), 0);
        return new(length, Difference: difference < 0 ? null : $"{length} bytes, of which the one at offset {difference} is wrong");
    }

    private CallResult? SendDatagram(ScriptSocket socket, int length, ushort? port)
    {
        var host = sockets.Host;
        socket.Udp ??= host.Stack.BindUdp(host.Now, new(sockets.Settings.LocalAddress, 0, InetAddress.AnyV4, 0));
        byte[] payload = StreamPattern.Bytes(0, length);
        var result = socket.Udp is null ? UdpSendResult.QueueFull
            : socket.Udp.IsConnected ? socket.Udp.Send(host.Now, payload)
            : socket.Udp.SendTo(host.Now, payload, sockets.Settings.RemoteAddress, port ?? sockets.Flows.Current.Tuple.RemotePort);
        return result switch
        {
            UdpSendResult.Sent => new(length),
            UdpSendResult.TooLong => CallResult.Fail("EMSGSIZE"),
            UdpSendResult.QueueFull => CallResult.Fail("ENOBUFS"),
            UdpSendResult.Unreachable => CallResult.Fail("EHOSTUNREACH"),
            _ => CallResult.Fail("EDESTADDRREQ"),
        };
    }
}

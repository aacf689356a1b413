using Baton.Scenarios.Run;
using Baton.Scenarios.Script;

namespace Baton.Scenarios.Sockets;

/// <summary>fcntl, ioctl, setsockopt, getsockopt.</summary>
internal sealed class OptionCalls(SocketTable sockets)
{
    private const int ReadWrite = 0x2;
    private const int NonBlock = 0x800;

    public PendingCall Fcntl(SocketCall call)
    {
        var socket = sockets.Of(call);
        switch (CallArguments.Text(call, 1))
        {
            case "F_GETFL":
                int flags = ReadWrite | (socket.NonBlocking ? NonBlock : 0);
                return () => new(flags);
            case "F_SETFL":
                socket.NonBlocking = CallArguments.Words(call, 2, "O_RDWR", "O_NONBLOCK").Contains("O_NONBLOCK");
                return () => new(0);
            case var command:
                throw CallArguments.Unsupported(call, command);
        }
    }

    /// <summary>Asks how many bytes wait to be read (SIOCINQ) or to be acknowledged (SIOCOUTQ).</summary>
    public PendingCall Ioctl(SocketCall call)
    {
        var connection = sockets.Of(call).Connection ?? throw CallArguments.Unsupported(call, "without connection");
        string request = CallArguments.Text(call, 1);
        long value = request switch
        {
            "SIOCINQ" or "FIONREAD" => connection.ReadableBytes,
            "SIOCOUTQ" => connection.Statistics.SendQueueBytes,
            _ => throw CallArguments.Unsupported(call, request),
        };
        return Compare(call, 2, value);
    }

    public PendingCall Set(SocketCall call)
    {
        var socket = sockets.Of(call);
        string option = CallArguments.Text(call, 2);
        switch (option)
        {
            case "TCP_NODELAY":
                socket.NoDelay = CallArguments.Number(call, 3) != 0;
                socket.Tcp?.SetNoDelay(socket.NoDelay);
                break;
            case "TCP_FASTOPEN":
                socket.FastOpen = CallArguments.Number(call, 3) > 0;
                if (socket.Listener is { } listener)
                {
                    listener.FastOpen = socket.FastOpen;
                }

                break;
            case "TCP_CORK":
                socket.Tcp?.SetCorked(sockets.Host.Now, CallArguments.Number(call, 3) != 0);
                break;
            case "SO_LINGER":
                bool on = CallArguments.Field(call, 3, "onoff") != 0;
                socket.Linger = on ? TimeSpan.FromSeconds(CallArguments.Field(call, 3, "linger")) : null;
                socket.Tcp?.SetLinger(socket.Linger);
                break;
            case "SO_REUSEADDR" or "SO_REUSEPORT":
                // An address is free again as soon as its socket is closed.
                break;
            case var _ when ConnectionOptions.IsConnectionOption(option):
                break;
            default:
                throw CallArguments.Unsupported(call, option);
        }

        return () => new(0);
    }

    public PendingCall Get(SocketCall call)
    {
        var socket = sockets.Of(call);
        string option = CallArguments.Text(call, 2);
        switch (option)
        {
            case "SO_ERROR":
                return Compare(call, 3, Errno.Number(socket.TakeError()));
            case "TCP_NODELAY":
                return Compare(call, 3, socket.NoDelay ? 1 : 0);
            case "TCP_MAXSEG" when socket.Connection is { } connection:
                return Compare(call, 3, connection.Statistics.Mss);
            case "TCP_MAXSEG":
                return Compare(call, 3, sockets.Settings.Tcp.Mss);
            case "SO_SNDBUF":
                return Compare(call, 3, sockets.Settings.Tcp.SendBufferLimit);
            case "SO_RCVBUF":
                return Compare(call, 3, sockets.Settings.Tcp.ReceiveBufferLimit);
            case "SO_KEEPALIVE":
                return Compare(call, 3, sockets.Settings.Tcp.KeepAliveTime > TimeSpan.Zero ? 1 : 0);
            case "TCP_KEEPIDLE":
                return Compare(call, 3, (long)sockets.Settings.Tcp.KeepAliveTime.TotalSeconds);
            case "TCP_KEEPINTVL":
                return Compare(call, 3, (long)sockets.Settings.Tcp.KeepAliveInterval.TotalSeconds);
            case "TCP_KEEPCNT":
                return Compare(call, 3, sockets.Settings.Tcp.KeepAliveProbes);
            default:
                throw CallArguments.Unsupported(call, option);
        }
    }

    /// <summary>The call gives a number through a pointer, which the script writes as <c>[n]</c>.</summary>
    private static PendingCall Compare(SocketCall call, int index, long value)
    {
        string text = CallArguments.Text(call, index).Trim('[', ']', ' ');
        long expected = Errno.TryNumber(text, out int errno) ? errno : CallArguments.Number(call, index);
        return () => new(0, Difference: expected == value ? null : $"0 with [{value}]");
    }
}

using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Sockets;

/// <summary>A socket of the script.</summary>
internal sealed class ScriptSocket(IpProtocol protocol)
{
    private readonly Queue<TcpEndpoint> _waiting = new();
    private bool _errorTaken;

    public IpProtocol Protocol { get; } = protocol;

    public bool NonBlocking { get; set; }

    /// <summary>The port given to bind, or null.</summary>
    public ushort? BoundPort { get; set; }

    public bool NoDelay { get; set; }

    /// <summary>TCP_FASTOPEN of a listener.</summary>
    public bool FastOpen { get; set; }

    /// <summary>SO_LINGER.</summary>
    public TimeSpan? Linger { get; set; }

    /// <summary>SHUT_RD was called.</summary>
    public bool ReadShutdown { get; set; }

    /// <summary>SHUT_WR was called.</summary>
    public bool WriteShutdown { get; set; }

    public TcpListener? Listener { get; set; }

    public TcpEndpoint? Tcp { get; set; }

    public UdpEndpoint? Udp { get; set; }

    /// <summary>Bytes read so far.</summary>
    public long Read { get; set; }

    /// <summary>Bytes written so far.</summary>
    public long Written { get; set; }

    public TcpConnection? Connection => Tcp?.Connection;

    public bool IsClosed => Connection is { State: TcpState.Closed };

    /// <summary>Whether accept would find a connection.</summary>
    public bool CanAccept
    {
        get
        {
            if (_waiting.Count == 0 && Listener is not null && Listener.TryAccept(out var endpoint))
            {
                _waiting.Enqueue(endpoint);
            }

            return _waiting.Count > 0;
        }
    }

    /// <summary>Takes the connection that waits longest, if <see cref="CanAccept"/>.</summary>
    public TcpEndpoint Accept() => _waiting.Dequeue();

    /// <summary>Why the connection ended, as errno, or null when it ended well or lives. A socket tells it once.</summary>
    public string? TakeError()
    {
        if (_errorTaken || !IsClosed)
        {
            return null;
        }

        _errorTaken = true;
        return Connection!.CloseReason switch
        {
            TcpCloseReason.ResetByPeer => "ECONNRESET",
            TcpCloseReason.Refused => "ECONNREFUSED",
            TcpCloseReason.TimedOut or TcpCloseReason.UserTimeout => "ETIMEDOUT",
            TcpCloseReason.Unreachable => "EHOSTUNREACH",
            TcpCloseReason.Aborted => "ECONNABORTED",
            _ => null,
        };
    }
}

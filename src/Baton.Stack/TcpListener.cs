using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Takes connections to one of the node's own addresses. Services have no listener: their endpoints come to be whether or
/// not an application listens.
/// </summary>
public sealed class TcpListener
{
    private readonly Queue<TcpEndpoint> _ready = new();

    internal TcpListener(InetAddress address, ushort port, int backlog)
    {
        Address = address;
        Port = port;
        Backlog = backlog;
    }

    /// <summary>The address listened on.</summary>
    public InetAddress Address { get; }

    /// <summary>The port listened on.</summary>
    public ushort Port { get; }

    /// <summary>
    /// Connections in their handshake or waiting from which on SYNs are answered by cookies; from so many waiting ones on,
    /// by nothing. At most twice as many wait.
    /// </summary>
    public int Backlog { get; }

    /// <summary>The congestion control of its connections; null: that of <see cref="StackOptions.OwnTcp"/>.</summary>
    public Tcp.CongestionAlgorithm? Congestion { get; set; }

    /// <summary>Whether TCP Fast Open is done (RFC 7413): what a SYN brings may reach the application twice (§6.1).</summary>
    public bool FastOpen { get; set; }

    /// <summary>Connections in their handshake or waiting to be accepted.</summary>
    public int Pending { get; internal set; }

    /// <summary>Of <see cref="Pending"/>, connections in their handshake.</summary>
    public int HalfOpen { get; internal set; }

    /// <summary>Whether a SYN would find room to be kept; else it is answered by a cookie.</summary>
    internal bool HasRoom => Pending < Backlog;

    /// <summary>Whether as many established connections wait to be accepted as may: nothing new is begun.</summary>
    internal bool IsFull => Pending - HalfOpen >= Backlog;

    /// <summary>Takes the connection that was established first.</summary>
    public bool TryAccept(out TcpEndpoint endpoint)
    {
        while (_ready.TryDequeue(out endpoint!))
        {
            if (endpoint.Phase != EndpointPhase.Closed)
            {
                Leave(endpoint);
                return true;
            }
        }

        return false;
    }

    internal void OnEstablished(TcpEndpoint endpoint)
    {
        if (endpoint.IsListed)
        {
            return;
        }

        if (Congestion is { } algorithm)
        {
            endpoint.SetCongestion(algorithm);
        }

        endpoint.IsListed = true;
        _ready.Enqueue(endpoint);
    }

    /// <summary>The endpoint no longer counts against the backlog: accepted, or gone before that.</summary>
    internal void Leave(TcpEndpoint endpoint)
    {
        if (endpoint.CountsInBacklog)
        {
            endpoint.CountsInBacklog = false;
            Pending--;
        }
    }
}

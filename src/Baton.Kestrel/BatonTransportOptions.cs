using System.Buffers;

namespace Baton.Kestrel;

/// <summary>Options of the transport. Names are those of Kestrel's socket transport where they mean the same.</summary>
public sealed class BatonTransportOptions
{
    /// <summary>The services of the farm that Kestrel serves, besides those listened to by <see cref="Engine.BatonEndPoint"/>.</summary>
    public IList<string> Services { get; } = [];

    /// <summary>
    /// The name under which the listener is bound. A connection that moves goes to the application of the same name.
    /// </summary>
    public string Application { get; set; } = "kestrel";

    /// <summary>Connections that wait to be accepted; beyond it endpoints stay unattached. 512 by default.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Whether small writes go at once, although earlier ones are not acknowledged (no Nagle). True by default.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>What connections do otherwise than by default (keep-alive, timeouts, congestion control and others); null for nothing.</summary>
    public Engine.ConnectionOptions? Connections { get; set; }

    /// <summary>
    /// Bytes of the client that wait for the application before they stay in the stack, whose window then closes; null for no
    /// bound. 64 KiB by default. They go along when the connection moves.
    /// </summary>
    public long? MaxReadBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// Response bytes that wait to be taken by the stack before writing waits for the client; null for no bound. 64 KiB by
    /// default. The stack's own send queue comes on top.
    /// </summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// Whether connections move at the boundaries of HTTP/1.1 requests and between WebSocket messages. Without it they
    /// stay until they end, as they do under a listener that speaks another protocol. True by default.
    /// </summary>
    public bool MoveConnections { get; set; } = true;

    /// <summary>
    /// Runs the application on the thread that drives the stack, which spares two switches of threads for each request and is
    /// only for applications that never block: one that does holds up every connection of the node. False by default.
    /// </summary>
    public bool UnsafePreferInlineScheduling { get; set; }

    /// <summary>Bytes of a request's head that can be replayed at the next node; a longer one makes its connection stay.</summary>
    public int MaxReplaySize { get; set; } = 64 * 1024;

    /// <summary>
    /// Whether WebSockets over HTTP/2 are offered (RFC 8441), which stay with their node. Browsers that are not offered them open a
    /// connection of HTTP/1.1 for each, which moves. False by default.
    /// </summary>
    public bool Http2WebSockets { get; set; }

    /// <summary>
    /// How long the host, when it stops, gives its connections to other nodes before it closes those that are left; zero
    /// does not drain. 20 s by default. <c>HostOptions.ShutdownTimeout</c> bounds it too.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Where buffers come from, for tests that count them; null for Kestrel's own pool.</summary>
    internal Func<MemoryPool<byte>>? MemoryPoolFactory { get; set; }
}

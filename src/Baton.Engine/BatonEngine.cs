using System.Net;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A node of the farm: its links, its stack, its part of the directory, and the applications bound to it.</summary>
public sealed partial class BatonEngine : IAsyncDisposable
{
    /// <summary>Answers a query of another member. Runs on the thread pool.</summary>
    /// <param name="from">The member that asks.</param>
    /// <param name="request">What it asks; opaque to the engine.</param>
    /// <param name="cancellationToken">Cancelled when the engine stops.</param>
    public delegate ValueTask<ReadOnlyMemory<byte>> QueryHandler(
        MemberDescription from, ReadOnlyMemory<byte> request, CancellationToken cancellationToken);

    /// <summary>Starts the node: from then on it answers for its addresses and takes connections, which wait unattached until an application is bound.</summary>
    /// <exception cref="ArgumentException">The options contradict themselves; every error is named.</exception>
    public static ValueTask<BatonEngine> StartAsync(EngineOptions options, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>This node.</summary>
    public MemberDescription Self => throw new NotSupportedException();

    /// <summary>All members as of now, this node among them.</summary>
    public IReadOnlyList<MemberDescription> Members => throw new NotSupportedException();

    /// <summary>What answers queries of other members; null answers nothing.</summary>
    public QueryHandler? OnQuery { get; set; }

    /// <summary>Called for each handoff that ends, on the thread pool, in order.</summary>
    public event Action<HandoffEvent>? HandoffEnded { add => throw new NotSupportedException(); remove => throw new NotSupportedException(); }

    /// <summary>Binds an application to a TCP service. Unattached endpoints of the service that wait for it are accepted at once.</summary>
    public ValueTask<Listener> BindAsync(BatonEndPoint endPoint, string application, ListenerOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Binds an application to a UDP service.</summary>
    public ValueTask<DatagramListener> BindDatagramAsync(BatonEndPoint endPoint, string application, ListenerOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Connects from this node's own front address (or lan address, for a destination on the lan).</summary>
    public ValueTask<Connection> ConnectAsync(IPEndPoint remote, string application, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Attaches an application to an unattached TCP endpoint at this node.</summary>
    /// <exception cref="BatonException">There is no such endpoint, or it has an application.</exception>
    public ValueTask<Connection> AttachAsync(EndpointId endpoint, string application, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Attaches an application to an unattached UDP endpoint at this node.</summary>
    /// <exception cref="BatonException">There is no such endpoint, or it has an application.</exception>
    public ValueTask<DatagramConnection> AttachDatagramAsync(EndpointId endpoint, string application, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>
    /// Moves an endpoint of this node: by the engine itself when it is unattached or its application moves transparently,
    /// else by asking its application. Completes with the outcome.
    /// </summary>
    public ValueTask<MoveResult> MoveAsync(EndpointId endpoint, string target, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>
    /// Drains the node: it takes no new connections of its own choice, and gives those it has to other members.
    /// Completes when none is left.
    /// </summary>
    public ValueTask<DrainProgress> DrainAsync(IProgress<DrainProgress>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Ends a drain's state: the node takes connections again.</summary>
    public ValueTask ResumeAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The endpoints of this node.</summary>
    public ValueTask<IReadOnlyList<EndpointDescription>> EndpointsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>One endpoint of this node, or null.</summary>
    public ValueTask<EndpointDescription?> FindAsync(EndpointId endpoint, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The directory: flows this node is home of, local ones and forwarded ones.</summary>
    public ValueTask<IReadOnlyList<ForwardingEntry>> ForwardingEntriesAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Removes a flow from the directory: its packets are not forwarded any more.</summary>
    public ValueTask<bool> RemoveForwardingEntryAsync(Flow flow, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>What was counted so far.</summary>
    public ValueTask<EngineCounters> CountersAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>The last handoffs that this node took part in, oldest first.</summary>
    public ValueTask<IReadOnlyList<HandoffEvent>> HandoffsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Asks another member; its <see cref="OnQuery"/> answers.</summary>
    /// <exception cref="BatonException">The member cannot be reached, or did not answer in time.</exception>
    public ValueTask<ReadOnlyMemory<byte>> QueryAsync(string node, ReadOnlyMemory<byte> request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Stops the node: its endpoints are reset, its links closed.</summary>
    public ValueTask DisposeAsync() => throw new NotSupportedException();
}

/// <summary>A member as this node sees it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="LanAddress">Its address on the lan.</param>
/// <param name="FrontAddress">Its own address on the front.</param>
/// <param name="ServiceAddresses">The service addresses it is home of.</param>
/// <param name="Reachable">Whether it has been heard of lately and its channel is open; always so for the node itself.</param>
/// <param name="State">Its last state, or null when it was never heard of.</param>
public sealed record MemberDescription(
    NodeId Id,
    string Name,
    InetAddress LanAddress,
    InetAddress FrontAddress,
    IReadOnlyList<InetAddress> ServiceAddresses,
    bool Reachable,
    MemberState? State);

using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// A connection endpoint: one connection (TCP) or exchange (UDP) as a data structure of its own, there before and
/// independently of any application (R1, R2).
/// </summary>
public abstract class Endpoint
{
    private const byte DscpMask = 0xFC;

    private EncodedReference _reference;

    // Most endpoints never hold a packet.
    private HeldPackets? _held;

    private protected Endpoint(EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now)
    {
        Id = id;
        Epoch = epoch;
        Service = service;
        Phase = phase;
        Created = now;
        UnattachedSince = now;
    }

    /// <summary>Protocol, local and remote address and port. An unconnected UDP endpoint has remote port 0.</summary>
    public abstract Flow Flow { get; }

    /// <summary>Its name here, or none for traffic to the node's own addresses, which never moves.</summary>
    public EndpointId Id { get; }

    /// <summary>The ownership number under which it lives here.</summary>
    public Epoch Epoch { get; internal set; }

    /// <summary>The service that the client used, or null for the node's own traffic.</summary>
    public Service? Service { get; }

    /// <summary>Active, on its way, or gone.</summary>
    public EndpointPhase Phase { get; internal set; }

    /// <summary>The reference that this node issued for it; length 0 before that.</summary>
    public ref readonly EncodedReference Reference => ref _reference;

    /// <summary>The application's port at this node, as the reference carries it; 0 before that.</summary>
    public ushort OwnerPort { get; internal set; }

    /// <summary>What is bound to it, or null: an endpoint without application is unattached. Set by <see cref="NetworkStack.Attach"/>.</summary>
    public object? Application { get; internal set; }

    /// <summary>The name of what is bound to it.</summary>
    public string? ApplicationName { get; internal set; }

    /// <summary>When it came to be at this node.</summary>
    public Instant Created { get; }

    /// <summary>Since when it has had no application.</summary>
    public Instant UnattachedSince { get; internal set; }

    /// <summary>What arrived while it could not answer.</summary>
    public HeldPackets Held => _held ?? HeldPackets.None;

    /// <summary>Packets taken in at this node; not the SYN that made the endpoint.</summary>
    public abstract long PacketsIn { get; }

    /// <summary>Packets (or super-segments) sent from this node.</summary>
    public abstract long PacketsOut { get; }

    /// <summary>Payload bytes of <see cref="PacketsIn"/>, those that came before left out.</summary>
    public abstract long BytesIn { get; }

    /// <summary>Payload bytes of <see cref="PacketsOut"/>.</summary>
    public abstract long BytesOut { get; }

    /// <summary>TTL or hop limit of what it sends.</summary>
    public byte HopLimit { get; set; } = Ipv4Header.DefaultTtl;

    /// <summary>DSCP (the upper six bits) of what it sends; the lower two are ECN's, and the connection's (RFC 3168 §5).</summary>
    public byte TrafficClass
    {
        get;
        set => field = (byte)(value & DscpMask);
    }

    /// <summary>For the holder of the endpoint: not used by the stack.</summary>
    public object? Tag { get; set; }

    /// <summary>An embryo that has its image.</summary>
    internal bool IsInstalled { get; set; }

    /// <summary>The IPv6 flow label (RFC 6437): a function of the flow, so that it stays the same when the endpoint moves.</summary>
    internal uint FlowLabel { get; init; }

    internal Instant Deadline { get; set; } = Instant.Never;

    internal int TimerIndex { get; set; } = -1;

    internal EndpointEvents PendingEvents { get; set; }

    internal bool IsQueuedToEmit { get; set; }

    /// <summary>Waits for its next hop's answer.</summary>
    internal bool IsParked { get; set; }

    internal Neighbour? NextHop { get; set; }

    /// <summary>Whether it counts against the bound of endpoints without application.</summary>
    internal bool CountsAsUnattached { get; set; }

    /// <summary>Bytes that it has received and no application has taken; negative for what is no load, as in TIME-WAIT.</summary>
    private protected abstract int Unread { get; }

    /// <summary><see cref="Unread"/> where a service's endpoint is owned; negative where it is not, or not yet.</summary>
    internal int Load => Service is not null && Phase is EndpointPhase.Active or EndpointPhase.Frozen ? Unread : -1;

    /// <summary>The <see cref="Load"/> that the stack's load contains.</summary>
    internal int CountedLoad { get; set; } = -1;

    /// <summary>
    /// Step 4 of a handoff: a frozen endpoint's image, with the packets that it holds so far.
    /// </summary>
    public abstract byte[] ToImage(Instant now);

    /// <summary>
    /// Step 7 at the source: gives away, oldest first, what was held after the image was written; what the image contains
    /// the target has. Returns their number.
    /// </summary>
    public int TakeHeld(HeldPacketHandler handler) => Held.GiveAway(handler);

    internal HeldPackets MakeHeld(HeldBudget budget) => _held ??= new(budget);

    internal void SetReference(in EncodedReference reference) => _reference = reference;

    /// <inheritdoc/>
    public override string ToString() => $"{Flow} {Id} epoch {Epoch} {Phase}";
}

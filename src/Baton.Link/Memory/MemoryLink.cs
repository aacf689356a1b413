using Baton.Wire;

namespace Baton.Link;

/// <summary>What a <see cref="MemoryLink"/> carried and dropped, its cable's faults apart.</summary>
public sealed class MemoryLinkCounters
{
    /// <summary>Frames the stack sent.</summary>
    public long Sent { get; internal set; }

    /// <summary>Frames given to the stack.</summary>
    public long Received { get; internal set; }

    /// <summary>Frames dropped because they were longer than the MTU or shorter than an Ethernet header.</summary>
    public long WrongLength { get; internal set; }

    /// <summary>Frames dropped because they could not be cut into packets.</summary>
    public long NotSegmentable { get; internal set; }

    /// <summary>Frames dropped because the inbox or the network's pool was full.</summary>
    public long Overflowed { get; internal set; }

    /// <summary>Frames dropped because the link was unplugged.</summary>
    public long Unplugged { get; internal set; }
}

/// <summary>One port of a <see cref="MemoryNetwork"/>.</summary>
public sealed class MemoryLink : ILink
{
    private readonly MemoryNetwork _network;
    private readonly Queue<Frame> _inbox = new();
    private readonly int _inboxFrames;
    private FaultProfile _faults = FaultProfile.Perfect;

    internal MemoryLink(MemoryNetwork network, MemoryLinkOptions options, SeededRandom random)
    {
        _network = network;
        _inboxFrames = options.InboxFrames;
        Name = options.Name;
        Address = options.Address;
        Mtu = options.Mtu;
        Offloads = options.Offloads;
        ToSwitch = new FaultModel(random.Split());
        FromSwitch = new FaultModel(random.Split());
        Faults = options.Faults;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public MacAddress Address { get; }

    /// <inheritdoc/>
    public int Mtu { get; }

    /// <inheritdoc/>
    public LinkOffloads Offloads { get; }

    /// <inheritdoc/>
    public int WaitDescriptor => -1;

    /// <summary>Frames that wait to be received.</summary>
    public int Waiting => _inbox.Count;

    /// <summary>Whether the cable is in. Without it frames are dropped both ways, also those under way to this link.</summary>
    public bool IsPluggedIn { get; set; } = true;

    /// <summary>What happens on the cable, from now on.</summary>
    public FaultProfile Faults
    {
        get => _faults;
        set => _faults = ToSwitch.Profile = FromSwitch.Profile = value;
    }

    /// <summary>What was carried and dropped.</summary>
    public MemoryLinkCounters Counters { get; } = new();

    /// <summary>The cable's faults on the way to the switch.</summary>
    public FaultCounters OutgoingFaults => ToSwitch.Counters;

    /// <summary>The cable's faults on the way from the switch.</summary>
    public FaultCounters IncomingFaults => FromSwitch.Counters;

    internal FaultModel ToSwitch { get; }

    internal FaultModel FromSwitch { get; }

    /// <inheritdoc/>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        int given = 0;
        while (given < limit && _inbox.TryDequeue(out var frame))
        {
            given++;
            Counters.Received++;
            receiver.OnFrame(this, frame.Offload, frame.Buffer.Span);
            frame.Buffer.Dispose();
        }

        return given;
    }

    /// <summary>Always takes the frame: what the network has no room for is dropped and counted, as a switch does.</summary>
    /// <inheritdoc/>
    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        Counters.Sent++;
        _network.Accept(this, offload, headers, payload, more);
        return true;
    }

    /// <summary>Nothing to do: frames left with <see cref="TrySend"/>.</summary>
    public void Flush()
    {
    }

    /// <summary>Unplugs the link and drops what waits.</summary>
    public void Dispose()
    {
        IsPluggedIn = false;
        while (_inbox.TryDequeue(out var frame))
        {
            frame.Buffer.Dispose();
        }

        _network.Detach(this);
    }

    /// <summary>Takes over the buffer.</summary>
    internal void Put(PooledBuffer buffer, FrameOffload offload)
    {
        if (!IsPluggedIn)
        {
            Counters.Unplugged++;
        }
        else if (offload.Gso == GsoType.None && buffer.Length - EthernetHeader.Length > Mtu)
        {
            Counters.WrongLength++;
        }
        else if (_inbox.Count >= _inboxFrames)
        {
            Counters.Overflowed++;
        }
        else
        {
            _inbox.Enqueue(new(buffer, offload));
            return;
        }

        buffer.Dispose();
    }

    private readonly record struct Frame(PooledBuffer Buffer, FrameOffload Offload);
}

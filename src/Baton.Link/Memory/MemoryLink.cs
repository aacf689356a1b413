using System.Buffers.Binary;
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
    private readonly MemoryLink _port;
    private readonly List<MemoryLink> _queues;
    private bool _isPluggedIn = true;
    private FaultProfile _faults = FaultProfile.Perfect;

    internal MemoryLink(MemoryNetwork network, MemoryLinkOptions options, SeededRandom random)
    {
        _network = network;
        _port = this;
        _queues = [this];
        _inboxFrames = options.InboxFrames;
        Name = options.Name;
        Address = options.Address;
        Mtu = options.Mtu;
        Offloads = options.Offloads;
        ToSwitch = new FaultModel(random.Split());
        FromSwitch = new FaultModel(random.Split());
        Faults = options.Faults;
    }

    private MemoryLink(MemoryLink port)
    {
        _network = port._network;
        _port = port;
        _queues = port._queues;
        _inboxFrames = port._inboxFrames;
        Name = $"{port.Name}.{_queues.Count}";
        Address = port.Address;
        Mtu = port.Mtu;
        Offloads = port.Offloads;
        ToSwitch = port.ToSwitch;
        FromSwitch = port.FromSwitch;
        _queues.Add(this);
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
    public bool IsPluggedIn
    {
        get => _port._isPluggedIn;
        set => _port._isPluggedIn = value;
    }

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

    /// <summary>
    /// Another queue of the same port, for a thread of its own: a frame comes by the queue that its addresses and ports name,
    /// and leaves by the port's one cable.
    /// </summary>
    public MemoryLink AddQueue() => new(_port);

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
        _network.Accept(_port, offload, headers, payload, more);
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

        if (_port == this)
        {
            _network.Detach(this);
        }
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
        else
        {
            QueueOf(buffer.Span).Enqueue(buffer, offload);
            return;
        }

        buffer.Dispose();
    }

    private void Enqueue(PooledBuffer buffer, FrameOffload offload)
    {
        if (_inbox.Count < _inboxFrames)
        {
            _inbox.Enqueue(new(buffer, offload));
        }
        else
        {
            Counters.Overflowed++;
            buffer.Dispose();
        }
    }

    /// <summary>As network cards do: by the packet's addresses and ports, which say nothing of a shard.</summary>
    private MemoryLink QueueOf(ReadOnlySpan<byte> frame)
    {
        const int Addresses = 26;
        const int Words = 6;
        uint hash = 0;
        for (int word = 0; _queues.Count > 1 && word < Words && Addresses + 2 * word + 2 <= frame.Length; word++)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt16BigEndian(frame[(Addresses + 2 * word)..])) * 0x9E37_79B1;
        }

        return _queues[(int)((ulong)hash * (uint)_queues.Count >> 32)];
    }

    private readonly record struct Frame(PooledBuffer Buffer, FrameOffload Offload);
}

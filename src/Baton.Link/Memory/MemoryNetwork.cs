using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Link;

/// <summary>Whether the switch passes a frame on to one of its ports.</summary>
public delegate bool FrameFilter(MemoryLink from, MemoryLink to, ReadOnlySpan<byte> frame);

/// <summary>Sees every frame a link sends, before anything happens to it.</summary>
public delegate void FrameObserver(MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> frame);

/// <summary>
/// An Ethernet switch in virtual time: everything that happens follows from the seed and the order of calls. Order of
/// calls: <see cref="Deliver"/> with the time, then let stacks receive and send, then advance to
/// <see cref="NextDelivery"/> or an earlier deadline of a stack. Used by one thread.
/// </summary>
public sealed class MemoryNetwork
{
    /// <summary>Bytes that may be under way at once, unless a pool is given.</summary>
    public const long DefaultPoolBytes = 256L << 20;

    private const int LearnedAddressLimit = 4096;

    private readonly SeededRandom _random;
    private readonly BufferPool _pool;
    private readonly List<MemoryLink> _links = [];
    private readonly Dictionary<MacAddress, MemoryLink> _ports = [];
    private readonly DelayQueue<Transit> _transit = new();

    /// <summary>An empty network.</summary>
    /// <param name="seed">Everything random follows from it.</param>
    /// <param name="pool">Where frames are kept; networks that follow each other may share one.</param>
    public MemoryNetwork(ulong seed, BufferPool? pool = null)
    {
        _random = new SeededRandom(seed);
        _pool = pool ?? new BufferPool(DefaultPoolBytes);
    }

    /// <summary>The time of the last <see cref="Deliver"/>.</summary>
    public Instant Now { get; private set; }

    /// <summary>When something is due, or <see cref="Instant.Never"/>.</summary>
    public Instant NextDelivery => _transit.NextDue;

    /// <summary>The links in the order in which they were attached.</summary>
    public IReadOnlyList<MemoryLink> Links => _links;

    /// <summary>Decides port by port what passes, or null for everything.</summary>
    public FrameFilter? Filter { get; set; }

    /// <summary>Sees every frame that is sent, or null.</summary>
    public FrameObserver? Observer { get; set; }

    /// <summary>Sees every frame of which a second copy was made, or null.</summary>
    public FrameObserver? DuplicateObserver { get; set; }

    /// <summary>
    /// Whether super-frames cross the network whole, so that one loss takes all their packets, and are cut only before a
    /// link that does not take them. Otherwise they are cut as they are sent.
    /// </summary>
    public bool CarriesSuperFrames { get; init; }

    /// <summary>Adds a port.</summary>
    public MemoryLink Attach(MemoryLinkOptions options)
    {
        var link = new MemoryLink(this, options, _random.Split());
        _links.Add(link);
        _ports[link.Address] = link;
        return link;
    }

    /// <summary>Moves what is due by <paramref name="now"/> to the links' inboxes.</summary>
    /// <returns>Whether anything moved.</returns>
    public bool Deliver(Instant now)
    {
        Now = Instant.Max(Now, now);
        bool moved = false;
        while (_transit.TryTake(now, out var due, out var transit))
        {
            moved = true;
            if (transit.To is { } to)
            {
                Arrive(to, transit.Buffer, transit.Offload);
            }
            else
            {
                Switch(due, transit.From, transit.Buffer, transit.Offload);
            }
        }

        return moved;
    }

    internal void Accept(MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        int length = headers.Length + payload.Length + more.Length;
        if (!from.IsPluggedIn)
        {
            from.Counters.Unplugged++;
        }
        else if (offload.Gso != GsoType.None && !CarriesSuperFrames)
        {
            AcceptInPackets(from, offload, headers, payload, more);
        }
        else if (length < EthernetHeader.Length || (offload.Gso == GsoType.None && length - EthernetHeader.Length > from.Mtu))
        {
            from.Counters.WrongLength++;
        }
        else if (!_pool.TryRent(length, out var buffer))
        {
            from.Counters.Overflowed++;
        }
        else
        {
            headers.CopyTo(buffer.Span);
            payload.CopyTo(buffer.Span[headers.Length..]);
            more.CopyTo(buffer.Span[(headers.Length + payload.Length)..]);
            Leave(from, buffer, offload);
        }
    }

    internal void Detach(MemoryLink link)
    {
        _links.Remove(link);
        foreach (var (address, port) in _ports)
        {
            if (port == link)
            {
                _ports.Remove(address);
            }
        }
    }

    private void AcceptInPackets(
        MemoryLink from, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        if (Segmentation.TryStart(headers, payload, more, offload, EthernetHeader.Length, out var packets) != DropReason.None)
        {
            from.Counters.NotSegmentable++;
            return;
        }

        if (packets.MaxPacketLength - EthernetHeader.Length > from.Mtu)
        {
            from.Counters.WrongLength++;
            return;
        }

        for (int left = packets.Count; left > 0 && TryCut(ref packets, from, out var packet); left--)
        {
            Leave(from, packet, FrameOffload.None);
        }
    }

    private bool TryCut(ref SegmentIterator packets, MemoryLink at, [NotNullWhen(true)] out PooledBuffer? packet)
    {
        if (!_pool.TryRent(packets.MaxPacketLength, out packet))
        {
            at.Counters.Overflowed++;
            return false;
        }

        if (packets.TryNext(packet.Span, out int written))
        {
            packet.Truncate(written);
            return true;
        }

        packet.Dispose();
        packet = null;
        return false;
    }

    /// <summary>Over the sender's cable.</summary>
    private void Leave(MemoryLink from, PooledBuffer buffer, FrameOffload offload)
    {
        Observer?.Invoke(from, offload, buffer.Span);
        Cross(from.ToSwitch, Now, new(from, null, buffer, offload));
    }

    private void Cross(FaultModel cable, Instant now, Transit transit)
    {
        var fate = cable.Decide(now, transit.Buffer.Length);
        if (fate.Lost)
        {
            transit.Buffer.Dispose();
            return;
        }

        if (fate.Corrupted)
        {
            var offload = transit.Offload;
            if (!cable.TryCorrupt(transit.Buffer.Span, ref offload))
            {
                transit.Buffer.Dispose();
                return;
            }

            transit = transit with { Offload = offload };
        }

        if (fate.Duplicated)
        {
            if (_pool.TryRentCopy(transit.Buffer.Span, out var copy))
            {
                DuplicateObserver?.Invoke(transit.From, transit.Offload, copy.Span);
                _transit.Add(fate.DuplicateDue, transit with { Buffer = copy });
            }
            else
            {
                cable.Counters.Overflowed++;
            }
        }

        _transit.Add(fate.Due, transit);
    }

    private void Switch(Instant now, MemoryLink from, PooledBuffer buffer, FrameOffload offload)
    {
        var destination = MacAddress.FromBytes(buffer.Span);
        var source = MacAddress.FromBytes(buffer.Span[MacAddress.Length..]);
        if (!source.IsMulticast && (_ports.Count < LearnedAddressLimit || _ports.ContainsKey(source)))
        {
            _ports[source] = from;
        }

        if (!destination.IsMulticast && _ports.TryGetValue(destination, out var port))
        {
            if (port != from && Passes(from, port, buffer))
            {
                Cross(port.FromSwitch, now, new(from, port, buffer, offload));
                return;
            }
        }
        else
        {
            Flood(now, from, buffer, offload);
        }

        buffer.Dispose();
    }

    private void Flood(Instant now, MemoryLink from, PooledBuffer buffer, FrameOffload offload)
    {
        foreach (var to in _links)
        {
            if (to == from || !Passes(from, to, buffer))
            {
                continue;
            }

            if (_pool.TryRentCopy(buffer.Span, out var copy))
            {
                Cross(to.FromSwitch, now, new(from, to, copy, offload));
            }
            else
            {
                to.Counters.Overflowed++;
            }
        }
    }

    private bool Passes(MemoryLink from, MemoryLink to, PooledBuffer buffer) => Filter is null || Filter(from, to, buffer.Span);

    /// <summary>At the receiver, which may take less than was sent.</summary>
    private void Arrive(MemoryLink to, PooledBuffer buffer, FrameOffload offload)
    {
        var needed = offload.Gso switch
        {
            GsoType.None => LinkOffloads.None,
            GsoType.UdpL4 => LinkOffloads.Uso,
            _ => LinkOffloads.Tso,
        };
        if ((to.Offloads & needed) != needed)
        {
            ArriveInPackets(to, buffer.Span, offload);
            buffer.Dispose();
            return;
        }

        if (offload.Checksum == ChecksumState.Partial && (to.Offloads & LinkOffloads.Checksum) == 0)
        {
            FrameLayout.CompleteChecksum(buffer.Span);
            offload = offload with { Checksum = ChecksumState.Complete };
        }

        to.Put(buffer, offload);
    }

    private void ArriveInPackets(MemoryLink to, ReadOnlySpan<byte> frame, FrameOffload offload)
    {
        if (Segmentation.TryStart(frame, default, default, offload, EthernetHeader.Length, out var packets) != DropReason.None)
        {
            to.Counters.NotSegmentable++;
            return;
        }

        for (int left = packets.Count; left > 0 && TryCut(ref packets, to, out var packet); left--)
        {
            to.Put(packet, FrameOffload.None);
        }
    }

    private readonly record struct Transit(MemoryLink From, MemoryLink? To, PooledBuffer Buffer, FrameOffload Offload);
}

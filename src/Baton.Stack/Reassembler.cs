using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Puts fragments of both families together (RFC 791 §3.2, RFC 1122 §3.3.2, RFC 8200 §4.5) within small bounds: so many
/// datagrams at a time, of them so many from one source, so many holes in each, so long. Fragments that overlap end their
/// datagram (RFC 5722, for IPv4 as well); an exact duplicate does nothing.
/// </summary>
internal sealed class Reassembler
{
    private const int SourceShare = 4;

    private readonly StackLimits _limits;
    private readonly DropCounters _drops;
    private readonly BufferPool _pool;
    private readonly IcmpSender _icmp;
    private readonly List<PartialDatagram> _partials = [];
    private PooledBuffer? _whole;

    public Reassembler(StackLimits limits, DropCounters drops, BufferPool pool, IcmpSender icmp)
    {
        _limits = limits;
        _drops = drops;
        _pool = pool;
        _icmp = icmp;
    }

    public int Count => _partials.Count;

    /// <summary>Datagrams in work are in order of their beginning, so the first ends first.</summary>
    public Instant NextDeadline => _partials.Count > 0 ? _partials[0].Deadline : Instant.Never;

    /// <summary>
    /// Takes one fragment. When it was the last one missing, <paramref name="whole"/> is the packet, valid until the next
    /// call or <see cref="ReleaseWhole"/>; else it is empty.
    /// </summary>
    public DropReason Add(Instant now, scoped in IpPacket packet, ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> whole)
    {
        whole = default;
        ReleaseWhole();
        if (packet is { Protocol: IpProtocol.IcmpV6, FragmentOffset: 0, PayloadLength: > 0 }
            && IcmpV6Type.IsNeighbourDiscovery(bytes[packet.HeaderLength]))
        {
            // RFC 6980 §5: Neighbor Discovery in fragments is silently ignored.
            return Drop(DropReason.NeighbourDiscoveryMalformed);
        }

        int index = Find(packet);
        if (index < 0)
        {
            if (!HasRoomFor(packet.Source) || !_pool.TryRent(PartialDatagram.BufferLength, out var buffer))
            {
                return Drop(DropReason.ReassemblyFailed);
            }

            index = _partials.Count;
            _partials.Add(new PartialDatagram(packet, buffer, now + _limits.ReassemblyTimeout));
        }

        var partial = _partials[index];
        if (!partial.TryAdd(packet, bytes) || (partial.IsComplete && !partial.TryFinish()))
        {
            RemoveAt(index);
            return Drop(DropReason.ReassemblyFailed);
        }

        if (partial.IsComplete)
        {
            _partials.RemoveAt(index);
            _whole = partial.Buffer;
            whole = partial.Packet;
        }

        return DropReason.None;
    }

    /// <summary>Gives up what took too long; who sent a first fragment is told (RFC 1122 §3.3.2, RFC 8200 §4.5).</summary>
    public void OnDeadline(Instant now)
    {
        while (_partials.Count > 0 && _partials[0].Deadline <= now)
        {
            var first = _partials[0].FirstFragment;
            if (!first.IsEmpty && IpPacket.TryParseQuoted(first, out var packet) == DropReason.None)
            {
                _icmp.ReassemblyTimeExceeded(now, packet, first);
            }

            RemoveAt(0);
            _drops.Count(DropReason.ReassemblyFailed);
        }
    }

    /// <summary>Gives back the buffer of the last whole packet.</summary>
    public void ReleaseWhole()
    {
        _whole?.Dispose();
        _whole = null;
    }

    private bool HasRoomFor(InetAddress source)
    {
        if (_partials.Count >= _limits.Reassemblies)
        {
            return false;
        }

        int same = 0;
        foreach (var partial in _partials)
        {
            same += partial.IsFrom(source) ? 1 : 0;
        }

        return same < Math.Max(1, _limits.Reassemblies / SourceShare);
    }

    private int Find(in IpPacket packet)
    {
        for (int i = 0; i < _partials.Count; i++)
        {
            if (_partials[i].Matches(packet))
            {
                return i;
            }
        }

        return -1;
    }

    private void RemoveAt(int index)
    {
        _partials[index].Buffer.Dispose();
        _partials.RemoveAt(index);
    }

    private DropReason Drop(DropReason reason)
    {
        _drops.Count(reason);
        return reason;
    }
}

using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Puts IPv4 fragments together (RFC 791 §3.2, RFC 1122 §3.3.2) within small bounds: so many datagrams at a time, so many
/// holes in each, so long. Fragments that overlap differently end their datagram (RFC 5722's rule, taken over for IPv4).
/// </summary>
internal sealed class Reassembler
{
    private const int MaxRanges = 64;
    private const int HeaderRoom = 60;

    private readonly StackLimits _limits;
    private readonly DropCounters _drops;
    private readonly BufferPool _pool;
    private readonly List<Partial> _partials = [];
    private PooledBuffer? _whole;

    public Reassembler(StackLimits limits, DropCounters drops, BufferPool pool)
    {
        _limits = limits;
        _drops = drops;
        _pool = pool;
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
        int index = Find(packet);
        if (index < 0)
        {
            if (_partials.Count >= _limits.Reassemblies || !_pool.TryRent(HeaderRoom + ushort.MaxValue, out var buffer))
            {
                return Drop(DropReason.ReassemblyFailed);
            }

            index = _partials.Count;
            _partials.Add(new Partial(packet, buffer, now + _limits.ReassemblyTimeout));
        }

        var partial = _partials[index];
        if (!partial.TryAdd(packet, bytes))
        {
            RemoveAt(index);
            return Drop(DropReason.ReassemblyFailed);
        }

        if (partial.IsComplete)
        {
            _partials.RemoveAt(index);
            _whole = partial.Buffer;
            whole = partial.Finish();
        }

        return DropReason.None;
    }

    public void OnDeadline(Instant now)
    {
        while (_partials.Count > 0 && _partials[0].Deadline <= now)
        {
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

    /// <summary>One datagram in work: its bytes in place, and which of them have come.</summary>
    private sealed class Partial
    {
        private readonly InetAddress _source;
        private readonly InetAddress _destination;
        private readonly IpProtocol _protocol;
        private readonly uint _identification;
        private readonly List<(int Start, int End)> _ranges = [];
        private int _headerLength;
        private int _total = -1;

        public Partial(in IpPacket first, PooledBuffer buffer, Instant deadline)
        {
            _source = first.Source;
            _destination = first.Destination;
            _protocol = first.Protocol;
            _identification = first.Identification;
            Buffer = buffer;
            Deadline = deadline;
        }

        public PooledBuffer Buffer { get; }

        public Instant Deadline { get; }

        public bool IsComplete => _headerLength > 0 && _ranges is [var only] && only.Start == 0 && only.End == _total;

        public bool Matches(in IpPacket packet) =>
            packet.Identification == _identification && packet.Source == _source
            && packet.Destination == _destination && packet.Protocol == _protocol;

        public bool TryAdd(in IpPacket packet, ReadOnlySpan<byte> bytes)
        {
            int start = packet.FragmentOffset;
            int end = start + packet.PayloadLength;
            int length = packet.FragmentOffset == 0 ? packet.HeaderLength : Math.Max(_headerLength, Ipv4Header.Length);
            if (end == start || length + end > ushort.MaxValue || (_total >= 0 && end > _total))
            {
                return false;
            }

            if (!packet.MoreFragments)
            {
                // The end may be told once, and not before bytes that are there already.
                if ((_total >= 0 && _total != end) || (_ranges.Count > 0 && _ranges[^1].End > end))
                {
                    return false;
                }

                _total = end;
            }

            if (!TryInsert(start, end, out bool duplicate))
            {
                return false;
            }

            if (duplicate)
            {
                return true;
            }

            packet.Payload(bytes).CopyTo(Buffer.Span[(HeaderRoom + start)..]);
            if (start == 0)
            {
                _headerLength = packet.HeaderLength;
                bytes[..packet.HeaderLength].CopyTo(Buffer.Span[(HeaderRoom - packet.HeaderLength)..]);
            }

            return true;
        }

        public ReadOnlySpan<byte> Finish()
        {
            var packet = Buffer.Span.Slice(HeaderRoom - _headerLength, _headerLength + _total);
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
            BinaryPrimitives.WriteUInt16BigEndian(packet[6..], 0);
            Ipv4Header.WriteChecksum(packet[.._headerLength]);
            return packet;
        }

        /// <summary>Adds a range to the ordered, disjoint, merged ranges; false when it overlaps one in part, or there are too many.</summary>
        private bool TryInsert(int start, int end, out bool duplicate)
        {
            duplicate = false;
            int at = 0;
            while (at < _ranges.Count && _ranges[at].End < start)
            {
                at++;
            }

            if (at < _ranges.Count && start >= _ranges[at].Start && end <= _ranges[at].End)
            {
                duplicate = true;
                return true;
            }

            // _ranges[at] is the first that ends at or after start; touching ranges merge, overlapping ones are refused.
            bool joinsLeft = at < _ranges.Count && _ranges[at].End == start;
            int next = joinsLeft ? at + 1 : at;
            if (next < _ranges.Count && _ranges[next].Start < end)
            {
                return false;
            }

            bool joinsRight = next < _ranges.Count && _ranges[next].Start == end;
            switch (joinsLeft, joinsRight)
            {
                case (true, true):
                    _ranges[at] = (_ranges[at].Start, _ranges[next].End);
                    _ranges.RemoveAt(next);
                    return true;
                case (true, false):
                    _ranges[at] = (_ranges[at].Start, end);
                    return true;
                case (false, true):
                    _ranges[next] = (start, _ranges[next].End);
                    return true;
                default:
                    _ranges.Insert(at, (start, end));
                    return _ranges.Count <= MaxRanges;
            }
        }
    }
}

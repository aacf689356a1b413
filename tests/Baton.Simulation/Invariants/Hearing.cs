using Baton.Link;
using Baton.Membership;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>When each node was last passed a load datagram of each other one: what leases and writing off go by.</summary>
internal sealed class Hearing
{
    private readonly Farm _farm;
    private readonly Dictionary<MemoryLink, int> _ports = [];
    private readonly Instant[,] _last;
    private readonly Instant[,] _seen;

    public Hearing(Farm farm)
    {
        _farm = farm;
        _last = new Instant[farm.Nodes.Length, farm.Nodes.Length];
        _seen = new Instant[farm.Nodes.Length, farm.Nodes.Length];
        foreach (var node in farm.Nodes)
        {
            _ports.Add(node.LanLink, node.Number - 1);
        }
    }

    /// <summary>The switch passes a frame on. Its receiver's cable may still lose it.</summary>
    public void OnPassed(MemoryLink from, MemoryLink to, ReadOnlySpan<byte> frame)
    {
        if (to.IsPluggedIn
            && EthernetHeader.TryParse(frame, out var ethernet)
            && ethernet.EtherType is EtherType.Ipv4 or EtherType.Ipv6
            && IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) == DropReason.None
            && packet is { Protocol: IpProtocol.Udp, HasPorts: true, DestinationPort: LoadDatagram.Port }
            && _ports.TryGetValue(from, out int sender)
            && _ports.TryGetValue(to, out int receiver))
        {
            _last[receiver, sender] = _farm.Now;
        }
    }

    /// <summary>
    /// Where datagrams are sealed, one that passes may not be opened: a node started anew cannot agree on keys with one that does not
    /// hear it. There it counts from when each node last saw the other.
    /// </summary>
    public void Look()
    {
        foreach (var listener in _farm.Settings.Sealed ? _farm.Nodes : [])
        {
            foreach (var speaker in _farm.Nodes)
            {
                if (!listener.IsUp || listener.Shard.Exchange.View.StatusOf(speaker.Id) != MemberStatus.Unreachable)
                {
                    _seen[listener.Number - 1, speaker.Number - 1] = _farm.Now;
                }
            }
        }
    }

    /// <summary>How long ago that was; zero where it never was.</summary>
    public TimeSpan Silence(FarmNode listener, FarmNode speaker)
    {
        var last = _last[listener.Number - 1, speaker.Number - 1];
        last = _farm.Settings.Sealed ? Instant.Min(last, _seen[listener.Number - 1, speaker.Number - 1]) : last;
        return last == default ? TimeSpan.Zero : _farm.Now - last;
    }
}

using System.Buffers.Binary;
using Baton.Director;
using Baton.Link;
using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>What has to become of a frame.</summary>
/// <param name="Verdict">Handed up, forwarded or left to the kernel; null where it is dropped.</param>
/// <param name="Reason">Why it is dropped.</param>
internal sealed record NicExpectation(NicVerdict? Verdict, DropReason Reason = DropReason.None)
{
    /// <summary>The endpoint's epoch, handed up.</summary>
    public Epoch Epoch { get; init; }

    /// <summary>The endpoint's id, handed up.</summary>
    public EndpointId Id { get; init; }

    /// <summary>The frame that leaves.</summary>
    public byte[]? Forwarded { get; init; }

    /// <summary>Whether the program may leave this to the host.</summary>
    public bool MayBeUndecided { get; init; }

    /// <summary>Whether the host would drop it for a reason that the program need not see.</summary>
    public bool IsLoose { get; init; }
}

/// <summary>
/// A home with a few hundred flows, twice: as the director's own tables, and as the program's maps. What the director
/// decides is what the program has to do.
/// </summary>
internal sealed class NicModel
{
    public static readonly MacAddress Mac = new(0x02_00_00_00_00_01), OwnerMac = new(0x02_00_00_00_00_02);
    public static readonly InetAddress ServiceV4 = InetAddress.Parse("198.51.100.101"), ServiceV6 = InetAddress.Parse("2001:db8:1::101");
    public static readonly InetAddress HostV4 = InetAddress.Parse("198.51.100.11"), LanV4 = InetAddress.Parse("192.0.2.1"), LanV6 = InetAddress.Parse("2001:db8::1");
    public static readonly InetAddress MemberV4 = InetAddress.Parse("192.0.2.2"), MemberV6 = InetAddress.Parse("2001:db8::2");
    private const int Mtu = 1652, SmallMtu = 1300;

    private static readonly NodeId s_self = new(1);
    private readonly HashKey _key = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);
    private readonly FlowTable _table;
    private readonly Dictionary<InetAddress, NicAddressKind> _addresses = [];
    private readonly Dictionary<NodeId, (OuterAddresses Outer, int Mtu)> _nodes = [];
    private readonly Dictionary<EndpointId, Epoch> _endpoints = [];

    public NicModel(NicMaps maps, Random random)
    {
        _table = new FlowTable(s_self, _key, 4096);
        AddAddresses(maps);
        AddNodes(maps);
        for (int i = 0; i < 400; i++)
        {
            AddFlow(maps, random, i);
        }
    }

    /// <summary>The flows that the home knows.</summary>
    public List<Flow> Flows { get; } = [];

    /// <summary>References of endpoints that live here, as packets from the lan carry them.</summary>
    public List<EncodedReference> Own { get; } = [];

    /// <summary>What has to become of a frame without a tag.</summary>
    public NicExpectation Expect(byte[] frame)
    {
        Assert.True(EthernetHeader.TryParse(frame, out var ethernet));
        var bytes = frame.AsSpan(EthernetHeader.Length);
        if (ethernet.EtherType == EtherType.Arp)
        {
            bool asked = bytes.Length >= 28 && _addresses.ContainsKey(InetAddress.FromBytes(bytes[24..28]));
            return new(asked ? NicVerdict.Host : NicVerdict.Kernel);
        }

        int version = ethernet.EtherType switch { EtherType.Ipv4 => 4, EtherType.Ipv6 => 6, _ => 0 };
        bool toUs = ethernet.Destination == Mac || ethernet.Destination.IsMulticast;
        if (version == 0 || !toUs || bytes.Length < (version == 4 ? 20 : 40) || bytes[0] >> 4 != version
            || !_addresses.TryGetValue(InetAddress.FromBytes(version == 4 ? bytes[16..20] : bytes[24..40]), out var kind))
        {
            return new(NicVerdict.Kernel);
        }

        var reason = IpPacket.TryParse(bytes, out var layout);
        if (reason != DropReason.None)
        {
            return new(null, reason) { MayBeUndecided = version == 4 ? ManyOptions(bytes) || IsFragment(bytes) : HasMore(bytes) };
        }

        if (layout.IsFragment || layout.FragmentHeaderOffset != 0 || (version == 4 && ManyOptions(bytes)))
        {
            return new(NicVerdict.Undecided);
        }

        var expected = Encapsulation.IsEncapsulated(in layout)
            ? kind == NicAddressKind.Lan ? ExpectEncapsulated(in layout, bytes) : new(NicVerdict.Undecided)
            : kind == NicAddressKind.Service ? ExpectService(in layout, bytes)
            : new(NicVerdict.Host) { MayBeUndecided = !layout.HasPorts };
        return version == 6 && HasMore(bytes) ? expected with { MayBeUndecided = true } : expected;
    }

    private NicExpectation ExpectEncapsulated(in IpPacket layout, ReadOnlySpan<byte> bytes)
    {
        var member = layout.Source == MemberV4 || layout.Source == MemberV6 ? new NodeId(2) : NodeId.None;
        var reason = Encapsulation.TryDecapsulate(in layout, bytes, ChecksumState.Complete, member, out var inner);
        if (reason == DropReason.NotMember)
        {
            return new(null, reason);
        }

        if (reason != DropReason.None)
        {
            return new(NicVerdict.Encapsulated) { IsLoose = true };
        }

        return !_endpoints.TryGetValue(inner.Reference.Id, out var epoch)
            ? new(NicVerdict.Encapsulated) { Id = inner.Reference.Id }
            : epoch == inner.Reference.Epoch ? new(NicVerdict.Encapsulated) { Id = inner.Reference.Id, Epoch = epoch }
            : new(null, DropReason.ReferenceMismatch);
    }

    private NicExpectation ExpectService(in IpPacket layout, ReadOnlySpan<byte> bytes)
    {
        if (PacketFlow.TryRead(in layout, bytes, out var flow) != DropReason.None)
        {
            return new(NicVerdict.Undecided);
        }

        bool odd = !layout.HasPorts && QuotesMore(in layout, bytes);
        var verdict = _table.Decide(in flow);
        switch (verdict.Kind)
        {
            case VerdictKind.Local:
                return new(NicVerdict.Local) { Id = ReferenceCodec.Id(verdict.Reference.Span), Epoch = verdict.Epoch, MayBeUndecided = odd };
            case VerdictKind.Unknown:
                return new(NicVerdict.Unknown) { MayBeUndecided = odd };
            default:
                break;
        }

        var packet = bytes[..layout.TotalLength];
        if (!_nodes.TryGetValue(verdict.Owner, out var node)
            || packet.Length + Encapsulation.Overhead(in verdict.Reference, node.Outer.Destination) > node.Mtu)
        {
            return new(NicVerdict.Undecided);
        }

        byte[] frame = new byte[EthernetHeader.Length + Encapsulation.Overhead(in verdict.Reference, node.Outer.Destination) + packet.Length];
        int headers = Encapsulation.WriteHeaders(
            frame, in verdict.Reference, ReferenceCodec.InitialHops, node.Outer, packet, Encapsulation.SourcePort(flow.Hash(in _key)));
        packet.CopyTo(frame.AsSpan(headers));
        return new(NicVerdict.Forwarded) { Forwarded = frame, MayBeUndecided = odd };
    }

    private void AddAddresses(NicMaps maps)
    {
        _addresses[ServiceV4] = _addresses[ServiceV6] = NicAddressKind.Service;
        _addresses[HostV4] = NicAddressKind.Host;
        _addresses[LanV4] = _addresses[LanV6] = NicAddressKind.Lan;
        foreach (var (address, kind) in _addresses)
        {
            Assert.True(maps.TryAddAddress(address, kind));
        }

        Assert.True(maps.Members.TryWrite(NicAddress.Of(MemberV4), 2));
        Assert.True(maps.Members.TryWrite(NicAddress.Of(MemberV6), 2));
    }

    /// <summary>Nodes 2 and 3 by IPv4 and IPv6, 4 by a lan that is too narrow; of 5 the Ethernet address is not known.</summary>
    private void AddNodes(NicMaps maps)
    {
        _nodes[new(2)] = (new(Mac, OwnerMac, LanV4, MemberV4), Mtu);
        _nodes[new(3)] = (new(Mac, OwnerMac, LanV6, MemberV6), Mtu);
        _nodes[new(4)] = (new(Mac, OwnerMac, LanV4, MemberV4), SmallMtu);
        foreach (var (id, (outer, mtu)) in _nodes)
        {
            var hop = NicNextHop.Of(outer.SourceMac, outer.DestinationMac, outer.Source, outer.Destination, mtu, device: 0);
            Assert.True(maps.NextHops.TryWrite(id.Value, in hop));
        }
    }

    private void AddFlow(NicMaps maps, Random random, int number)
    {
        bool v4 = number % 2 == 0;
        var protocol = number % 3 == 0 ? IpProtocol.Udp : IpProtocol.Tcp;
        var client = v4 ? InetAddress.FromV4(0xCB00_7100 | (uint)number & 0xFF) : InetAddress.Parse($"2001:db8:2::{number:x}");
        var flow = new Flow(protocol, new(v4 ? ServiceV4 : ServiceV6, 80, client, (ushort)random.Next(1024, 65536)));
        var owner = new NodeId((ushort)(1 + (number / 6 % 5)));
        var epoch = new Epoch((uint)random.Next(1, 1000));
        var reference = ReferenceCodec.Encode(new Reference(
            flow,
            new((ulong)random.NextInt64()),
            epoch,
            owner.Value == 3 ? MemberV6 : MemberV4,
            8080,
            protocol == IpProtocol.Tcp ? new SequenceGroup(new(1), new(2), new(3), new(4), new(5)) : null));
        if (_table.TryAdd(in flow, owner, epoch, in reference) != AddResult.Added)
        {
            return;
        }

        Flows.Add(flow);
        var kind = owner == s_self ? VerdictKind.Local : VerdictKind.Forward;
        var entry = NicFlow.Of(kind, owner, epoch, in reference, Encapsulation.SourcePort(flow.Hash(in _key)));
        Assert.True(maps.Flows.TryWrite(NicFlowKey.Of(in flow), in entry));
        if (owner == s_self)
        {
            Own.Add(reference);
            var id = ReferenceCodec.Id(reference.Span);

            // One in four was issued anew since: what comes with the old epoch is refused.
            _endpoints[id] = epoch + (number % 8 < 2 ? 1u : 0);
            Assert.True(maps.Endpoints.TryWrite(
                BinaryPrimitives.ReverseEndianness(id.Value), BinaryPrimitives.ReverseEndianness(_endpoints[id].Value)));
        }
    }

    /// <summary>More options than the program walks.</summary>
    private static bool ManyOptions(ReadOnlySpan<byte> packet)
    {
        int end = Math.Min((packet[0] & 0xF) * 4, packet.Length - 1);
        int walked = 0;
        for (int at = Ipv4Header.Length; at < end; walked++)
        {
            at = packet[at] switch { 0 => end, 1 => at + 1, _ => at + Math.Max((byte)2, packet[at + 1]) };
        }

        return walked > 10;
    }

    private static bool IsFragment(ReadOnlySpan<byte> packet) => (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3FFF) != 0;

    /// <summary>Whether a chain of extension headers has more than the program reads: fragments, options, source routes.</summary>
    private static bool HasMore(ReadOnlySpan<byte> packet)
    {
        byte kind = packet[6];
        int at = Ipv6Header.Length;
        while (kind is 0 or 43 or 44 or 51 or 60 && at + 8 <= packet.Length)
        {
            var header = packet[at..];
            int length = kind == 51 ? (header[1] + 2) * 4 : (header[1] + 1) * 8;
            if (kind == 44 || (kind == 0 && at > Ipv6Header.Length) || (kind == 43 && header[3] != 0)
                || (kind is 0 or 60 && (header[2] != 1 || header[3] + 4 != length)))
            {
                return true;
            }

            kind = header[0];
            at += length;
        }

        return false;
    }

    /// <summary>Whether an error quotes a packet with options, extension headers or in fragments.</summary>
    private static bool QuotesMore(in IpPacket layout, ReadOnlySpan<byte> bytes)
    {
        var quote = layout.Payload(bytes)[IcmpMessage.HeaderLength..];
        return IpPacket.TryParseQuoted(quote, out var quoted) != DropReason.None
            || quoted.HeaderLength != (quoted.Family == AddressFamily.V4 ? 20 : 40)
            || quoted.IsFragment;
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link.Nic;

/// <summary>An address as the program's maps have it: 16 bytes as on the wire, IPv4 mapped into IPv6.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NicAddress(ulong First, ulong Second)
{
    public static NicAddress Of(InetAddress address) =>
        new(BinaryPrimitives.ReverseEndianness(address.High), BinaryPrimitives.ReverseEndianness(address.Low));
}

/// <summary>An address of this node's in the slot that its last four bytes name; of kind 0 when no address is of this slot.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NicAddressSlot(NicAddress Address, uint Kind, uint Unused)
{
    public const int Count = 4096, KindOffset = 16;

    /// <summary>The number of an address's slot, as <see cref="NicCode.LookUpAddress"/> computes it.</summary>
    public static uint NumberOf(in NicAddress address)
    {
        uint last = (uint)(address.Second >> 32);
        return (last ^ (last >> 16)) & (Count - 1);
    }
}

/// <summary>What an address of this node's is.</summary>
internal enum NicAddressKind : uint
{
    /// <summary>Clients use it.</summary>
    Service = 1,

    /// <summary>The stack's own on this interface, or a group that it listens to.</summary>
    Host = 2,

    /// <summary>The stack's own on the lan: encapsulated packets come to it.</summary>
    Lan = 3,
}

/// <summary>A flow as the program's map has it. 40 bytes, no gap.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NicFlowKey(NicAddress Local, NicAddress Remote, ushort LocalPort, ushort RemotePort, uint Protocol)
{
    public static NicFlowKey Of(in Flow flow) => new(
        NicAddress.Of(flow.Tuple.LocalAddress),
        NicAddress.Of(flow.Tuple.RemoteAddress),
        BinaryPrimitives.ReverseEndianness(flow.Tuple.LocalPort),
        BinaryPrimitives.ReverseEndianness(flow.Tuple.RemotePort),
        (uint)flow.Protocol);
}

/// <summary>Where a flow's packets go: the directory's entry, as far as the program needs it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NicFlow
{
    public const int KindOffset = 0, EpochOffset = 4, IdOffset = 8, NextHopOffset = 16, ReferenceLengthOffset = 20, SourcePortOffset = 24, ReferenceOffset = 28;

    /// <summary>A <see cref="VerdictKind"/>: local or forward.</summary>
    public uint Kind;

    public uint Epoch;
    public ulong Id;

    /// <summary>The owner's number in the map of next hops.</summary>
    public uint NextHop;

    public uint ReferenceLength;

    /// <summary>The outer UDP source port, in network order, in the first two bytes.</summary>
    public uint SourcePort;

    /// <summary>The owner's reference, with the hop count to send.</summary>
    public ReferenceBytes Reference;

    [InlineArray(EncodedReference.MaxLength)]
    public struct ReferenceBytes
    {
        private byte _first;
    }

    /// <summary>The entry of a flow.</summary>
    public static NicFlow Of(VerdictKind kind, NodeId owner, Epoch epoch, in EncodedReference reference, ushort sourcePort)
    {
        var flow = new NicFlow
        {
            Kind = (uint)kind,
            Epoch = epoch.Value,
            Id = reference.Length == 0 ? 0 : ReferenceCodec.Id(reference.Span).Value,
            NextHop = owner.Value,
            ReferenceLength = reference.Length,
            SourcePort = BinaryPrimitives.ReverseEndianness(sourcePort),
        };
        reference.Span.CopyTo(flow.Reference);
        if (reference.Length > 0)
        {
            ReferenceCodec.WriteHops(flow.Reference, ReferenceCodec.InitialHops);
        }

        return flow;
    }
}

/// <summary>The headers in front of the reference on the way to a node, but for lengths, checksums and the source port.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NicNextHop
{
    public const int IsV6Offset = 0, DeviceOffset = 4, MtuOffset = 8, SumOffset = 12, HeadersOffset = 16;

    public const int HeadersLengthV4 = EthernetHeader.Length + Ipv4Header.Length + UdpHeader.Length;
    public const int HeadersLengthV6 = EthernetHeader.Length + Ipv6Header.Length + UdpHeader.Length;

    public uint IsV6;

    /// <summary>The number of the lan's interface in the map of devices, or 0 where packets leave as they came.</summary>
    public uint Device;

    /// <summary>The lan's MTU: what does not fit goes to the host, which cuts it. 0 of a node that is not known: nothing fits.</summary>
    public uint Mtu;

    /// <summary>The sum of the IPv4 header without its length and checksum.</summary>
    public uint Sum;

    public HeaderBytes Headers;

    [InlineArray(64)]
    public struct HeaderBytes
    {
        private byte _first;
    }

    /// <summary>From a node's own lan address to another's.</summary>
    public static NicNextHop Of(MacAddress sourceMac, MacAddress destinationMac, InetAddress source, InetAddress destination, int mtu, uint device)
    {
        var hop = new NicNextHop { IsV6 = destination.IsV4 ? 0u : 1, Device = device, Mtu = (uint)mtu };
        Span<byte> headers = hop.Headers;
        new EthernetHeader(destinationMac, sourceMac, EtherType.Of(destination.Family)).Write(headers);
        var ip = headers[EthernetHeader.Length..];
        if (destination.IsV4)
        {
            Ipv4Header.Write(ip, source, destination, IpProtocol.Udp, totalLength: 0);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
            for (int i = 0; i < Ipv4Header.Length; i += 2)
            {
                hop.Sum += BinaryPrimitives.ReadUInt16LittleEndian(ip[i..]);
            }

            ip = ip[Ipv4Header.Length..];
        }
        else
        {
            Ipv6Header.Write(ip, source, destination, IpProtocol.Udp, payloadLength: 0);
            ip = ip[Ipv6Header.Length..];
        }

        new UdpHeader(0, GeneveHeader.Port, 0, 0).Write(ip);
        return hop;
    }
}

/// <summary>How many SYNs a source may send: one each <see cref="Interval"/>, and <see cref="Burst"/> nanoseconds' worth at once.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct NicSynLimit(ulong Interval, ulong Burst)
{
    /// <summary>So many SYNs a second, 0 for no limit, and so many at once.</summary>
    public static NicSynLimit Of(int rate, int atOnce)
    {
        // The first of those at once is at its source's time; only the others lie ahead of it.
        ulong interval = rate == 0 ? 0 : 1_000_000_000 / (ulong)rate;
        return new(interval, interval * (ulong)(atOnce - 1));
    }
}

/// <summary>What the program says of a packet that it hands up, in the 16 bytes before the frame.</summary>
/// <param name="Kind">Marked, so that bytes which mean something else are recognised.</param>
/// <param name="Epoch">Of a local endpoint, or one that an encapsulated packet names.</param>
/// <param name="Id">Of the same.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NicMetadata(uint Kind, uint Epoch, ulong Id)
{
    public const int Length = 16;

    private const uint Mark = 0x4E49_4300, MarkBits = 0xFFFF_FF00;

    /// <summary>What it says.</summary>
    public NicVerdict? Verdict => (Kind & MarkBits) == Mark ? (NicVerdict)(Kind & ~MarkBits) : null;

    public static uint Marked(NicVerdict verdict) => Mark | (uint)verdict;
}

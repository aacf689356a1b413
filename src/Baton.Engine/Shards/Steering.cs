using System.Numerics;
using Baton.Director;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Which of a node's shards something is for. A flow's hash names its shard, where its directory entry is, and its endpoint
/// if that lives here: so nothing has to be looked up. An endpoint's id says the same in its low bits, which it was given.
/// What belongs to no flow of a client is the first shard's, or of whichever shard took it in.
/// </summary>
internal sealed class Steering
{
    /// <summary>The shard that has the node's own connections, its channels to its peers, and every packet that is put together.</summary>
    public const int First = 0;

    private readonly FarmModel _farm;
    private readonly HashKey _key;
    private readonly uint _count;
    private readonly ulong _mask;

    public Steering(FarmModel farm, HashKey key, int shards)
    {
        _farm = farm;
        _key = key;
        _count = (uint)shards;
        _mask = BitOperations.RoundUpToPowerOf2(_count) - 1;
    }

    /// <summary>The shard of a flow.</summary>
    public int OfFlow(in Flow flow) => _count == 1 ? First : (int)((ulong)(uint)flow.Hash(in _key) * _count >> 32);

    /// <summary>The shard of an endpoint that this node gave its id; for any other the first.</summary>
    public int OfEndpoint(EndpointId id) => (id.Value & _mask) is var index && index < _count ? (int)index : First;

    /// <summary>The id of a new endpoint in a shard: 64 random bits but for the lowest ones.</summary>
    public EndpointId Name(RandomBits random, int shard)
    {
        ulong name;
        do
        {
            name = random.NextName() & ~_mask | (uint)shard;
        }
        while (name == 0);
        return new(name);
    }

    /// <summary>The shard of a packet that came in at the shard <paramref name="here"/>.</summary>
    public int OfPacket(int here, bool fromLan, in IpPacket layout, ReadOnlySpan<byte> bytes)
    {
        if (layout.IsFragment)
        {
            return First;
        }

        if (fromLan && Encapsulation.IsEncapsulated(in layout))
        {
            var datagram = layout.Payload(bytes);
            return datagram.Length > UdpHeader.Length ? OfEndpoint(ReferenceCodec.Id(datagram[UdpHeader.Length..])) : here;
        }

        if (_farm.IsServiceAddress(layout.Destination))
        {
            return PacketFlow.TryRead(in layout, bytes, out var flow) == DropReason.None ? OfFlow(in flow) : here;
        }

        return layout.Protocol switch
        {
            IpProtocol.Icmp or IpProtocol.IcmpV6 => OfIcmp(here, in layout, bytes),
            _ => First,
        };
    }

    /// <summary>Whether a packet tells of neighbours or routers, which every shard's stack knows for itself (RFC 4861 §4).</summary>
    public static bool IsForAll(in IpPacket layout, ReadOnlySpan<byte> bytes) =>
        layout is { Protocol: IpProtocol.IcmpV6, Family: AddressFamily.V6, IsFragment: false }
        && layout.Payload(bytes) is [RouterAdvertisement or NeighbourAdvertisement or Redirect, ..];

    // Types of RFC 4443 §2.1 and RFC 4861 §4.
    private const byte RouterAdvertisement = 134;
    private const byte NeighbourAdvertisement = 136;
    private const byte Redirect = 137;

    // Whoever takes it in answers an echo request or a solicitation; errors and what is about groups are the first's.
    private static int OfIcmp(int here, in IpPacket layout, ReadOnlySpan<byte> bytes) =>
        IcmpMessage.TryParse(in layout, layout.Payload(bytes), out var message) == DropReason.None && !message.IsError && !IsGroupQuery(in layout, bytes) ? here : First;

    // RFC 2710 §3.
    private static bool IsGroupQuery(in IpPacket layout, ReadOnlySpan<byte> bytes) =>
        layout.Protocol == IpProtocol.IcmpV6 && layout.Payload(bytes) is [130, ..];
}

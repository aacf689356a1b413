using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>Types of ICMP (RFC 792).</summary>
public static class IcmpType
{
    /// <summary>Answers an echo.</summary>
    public const byte EchoReply = 0;

    /// <summary>The destination cannot be reached; the code says why.</summary>
    public const byte DestinationUnreachable = 3;

    /// <summary>Asked to send less; deprecated (RFC 6633).</summary>
    public const byte SourceQuench = 4;

    /// <summary>Names a better router.</summary>
    public const byte Redirect = 5;

    /// <summary>Asks for an echo.</summary>
    public const byte EchoRequest = 8;

    /// <summary>TTL or reassembly time was spent.</summary>
    public const byte TimeExceeded = 11;

    /// <summary>A header field makes no sense.</summary>
    public const byte ParameterProblem = 12;
}

/// <summary>Types of ICMPv6 (RFC 4443, RFC 4861).</summary>
public static class IcmpV6Type
{
    /// <summary>The destination cannot be reached; the code says why.</summary>
    public const byte DestinationUnreachable = 1;

    /// <summary>The packet was longer than a link's MTU.</summary>
    public const byte PacketTooBig = 2;

    /// <summary>Hop limit or reassembly time was spent.</summary>
    public const byte TimeExceeded = 3;

    /// <summary>A header field makes no sense.</summary>
    public const byte ParameterProblem = 4;

    /// <summary>Asks for an echo.</summary>
    public const byte EchoRequest = 128;

    /// <summary>Answers an echo.</summary>
    public const byte EchoReply = 129;

    /// <summary>Asks routers to tell of themselves (RFC 4861 §4.1).</summary>
    public const byte RouterSolicitation = 133;

    /// <summary>A router tells of itself and of the link (RFC 4861 §4.2).</summary>
    public const byte RouterAdvertisement = 134;

    /// <summary>Asks for a neighbour's link address (RFC 4861 §4.3).</summary>
    public const byte NeighbourSolicitation = 135;

    /// <summary>Tells a link address (RFC 4861 §4.4).</summary>
    public const byte NeighbourAdvertisement = 136;

    /// <summary>Names a better first hop (RFC 4861 §4.5).</summary>
    public const byte Redirect = 137;

    /// <summary>Asks which groups are listened to (RFC 3810 §5.1).</summary>
    public const byte ListenerQuery = 130;

    /// <summary>Tells which groups are listened to (RFC 3810 §5.2).</summary>
    public const byte ListenerReport = 143;

    /// <summary>Whether the type is one of Neighbor Discovery's (RFC 4861 §4).</summary>
    public static bool IsNeighbourDiscovery(byte type) => type is >= RouterSolicitation and <= Redirect;
}

/// <summary>What an ICMP error means to the flow it quotes, in both families (RFC 1122 §3.2.2, RFC 4443 §3).</summary>
public enum IcmpErrorKind : byte
{
    /// <summary>The message is no error.</summary>
    None,

    /// <summary>Network or host not reachable now: a soft error (RFC 1122 §4.2.3.9).</summary>
    Unreachable,

    /// <summary>Nobody listens on the port.</summary>
    PortUnreachable,

    /// <summary>The host does not speak the protocol.</summary>
    ProtocolUnreachable,

    /// <summary>A policy forbids it.</summary>
    Prohibited,

    /// <summary>The packet was too big; <see cref="IcmpMessage.NextHopMtu"/> says how big it may be.</summary>
    PacketTooBig,

    /// <summary>TTL, hop limit or reassembly time was spent.</summary>
    TimeExceeded,

    /// <summary>A header field made no sense.</summary>
    ParameterProblem,
}

/// <summary>An ICMP or ICMPv6 message: four fixed fields and a body, which in an error begins with the packet quoted.</summary>
public readonly ref struct IcmpMessage
{
    /// <summary>Bytes before the body.</summary>
    public const int HeaderLength = 8;

    /// <summary>Longest ICMP error with its IP header (RFC 1812 §4.3.2.3).</summary>
    public const int MaxErrorPacketV4 = 576;

    /// <summary>Longest ICMPv6 error with its IP header (RFC 4443 §2.4 (c)).</summary>
    public const int MaxErrorPacketV6 = 1280;

    /// <summary>Makes a message to be written.</summary>
    public IcmpMessage(AddressFamily family, byte type, byte code, uint rest, ReadOnlySpan<byte> body)
    {
        Family = family;
        Type = type;
        Code = code;
        Rest = rest;
        Body = body;
    }

    /// <summary>ICMP or ICMPv6.</summary>
    public AddressFamily Family { get; }

    /// <summary>One of <see cref="IcmpType"/> or <see cref="IcmpV6Type"/>.</summary>
    public byte Type { get; }

    /// <summary>Refines the type.</summary>
    public byte Code { get; }

    /// <summary>The second word: echo identifier and number, MTU, pointer or nothing.</summary>
    public uint Rest { get; }

    /// <summary>What follows: echo data or the packet quoted.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>Bytes on the wire.</summary>
    public int Length => HeaderLength + Body.Length;

    /// <summary>Whether this asks for an echo.</summary>
    public bool IsEchoRequest => Type == (Family == AddressFamily.V4 ? IcmpType.EchoRequest : IcmpV6Type.EchoRequest);

    /// <summary>Whether this is an error, never to be answered by another (RFC 1122 §3.2.2, RFC 4443 §2.4 (e)).</summary>
    public bool IsError => Family == AddressFamily.V4
        ? Type is IcmpType.DestinationUnreachable or IcmpType.SourceQuench or IcmpType.Redirect
            or IcmpType.TimeExceeded or IcmpType.ParameterProblem
        : Type < 128;

    /// <summary>The MTU of the link that was too small, in bytes; 0 where an old router does not say (RFC 1191 §5).</summary>
    public uint NextHopMtu => Family == AddressFamily.V4 ? Rest & 0xFFFF : Rest;

    /// <summary>What this means to the flow it quotes.</summary>
    public IcmpErrorKind ErrorKind => Family == AddressFamily.V4 ? KindV4 : KindV6;

    private IcmpErrorKind KindV4 => (Type, Code) switch
    {
        (IcmpType.DestinationUnreachable, 2) => IcmpErrorKind.ProtocolUnreachable,
        (IcmpType.DestinationUnreachable, 3) => IcmpErrorKind.PortUnreachable,
        (IcmpType.DestinationUnreachable, 4) => IcmpErrorKind.PacketTooBig,
        (IcmpType.DestinationUnreachable, 9 or 10 or 13) => IcmpErrorKind.Prohibited,
        (IcmpType.DestinationUnreachable, _) => IcmpErrorKind.Unreachable,
        (IcmpType.TimeExceeded, _) => IcmpErrorKind.TimeExceeded,
        (IcmpType.ParameterProblem, _) => IcmpErrorKind.ParameterProblem,
        _ => IcmpErrorKind.None,
    };

    private IcmpErrorKind KindV6 => (Type, Code) switch
    {
        (IcmpV6Type.DestinationUnreachable, 1 or 5 or 6) => IcmpErrorKind.Prohibited,
        (IcmpV6Type.DestinationUnreachable, 4) => IcmpErrorKind.PortUnreachable,
        (IcmpV6Type.DestinationUnreachable, _) => IcmpErrorKind.Unreachable,
        (IcmpV6Type.PacketTooBig, _) => IcmpErrorKind.PacketTooBig,
        (IcmpV6Type.TimeExceeded, _) => IcmpErrorKind.TimeExceeded,
        (IcmpV6Type.ParameterProblem, 1) => IcmpErrorKind.ProtocolUnreachable,
        (IcmpV6Type.ParameterProblem, _) => IcmpErrorKind.ParameterProblem,
        _ => IcmpErrorKind.None,
    };

    /// <summary>Reads the message in <paramref name="message"/>, the whole payload of <paramref name="packet"/>, and verifies its checksum.</summary>
    public static DropReason TryParse(in IpPacket packet, ReadOnlySpan<byte> message, out IcmpMessage parsed)
    {
        parsed = default;
        if (message.Length < HeaderLength)
        {
            return DropReason.Truncated;
        }

        // RFC 4443 §2.3: ICMPv6 includes the pseudo-header, ICMP does not.
        uint sum = packet.Family == AddressFamily.V6
            ? Checksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.IcmpV6, message.Length)
            : 0;
        if (Checksum.Fold(Checksum.Add(message, sum)) != 0)
        {
            return DropReason.IcmpBadChecksum;
        }

        parsed = new(packet.Family, message[0], message[1], BinaryPrimitives.ReadUInt32BigEndian(message[4..]), message[HeaderLength..]);
        return DropReason.None;
    }

    /// <summary>Writes <see cref="Length"/> bytes with the checksum between the two addresses, and returns that length.</summary>
    public int Write(Span<byte> destination, InetAddress source, InetAddress target)
    {
        var message = destination[..Length];
        Body.CopyTo(message[HeaderLength..]);
        message[0] = Type;
        message[1] = Code;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], Rest);
        uint sum = Family == AddressFamily.V6 ? Checksum.PseudoHeader(source, target, IpProtocol.IcmpV6, message.Length) : 0;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Fold(Checksum.Add(message, sum)));
        return message.Length;
    }
}

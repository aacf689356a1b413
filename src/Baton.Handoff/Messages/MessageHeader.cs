using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// What every message begins with: version, kind, two reserved bytes (zero), handoff id, epoch, protocol, address family,
/// local port, remote port, local address, remote address. Numbers are big-endian. Strict: a message has exactly the
/// bytes of its kind.
/// </summary>
/// <param name="Kind">What follows.</param>
/// <param name="Handoff">The run of the protocol; 0 in CLOSED, RESIDUE and their acknowledgments only.</param>
/// <param name="Epoch">The source's epoch e; in CLOSED and RESIDUE the owner's.</param>
/// <param name="Flow">The flow.</param>
internal readonly record struct MessageHeader(MessageKind Kind, HandoffId Handoff, Epoch Epoch, Flow Flow)
{
    /// <summary>The version that this node speaks.</summary>
    public const byte Version = 1;

    /// <summary>The last epoch from which a handoff can begin: its abort gives the epoch two later.</summary>
    public const uint MaxEpoch = uint.MaxValue - 2;

    private const int FixedLength = 22;

    /// <summary>Bytes on the wire.</summary>
    public int Length => FixedLength + Flow.Tuple.LocalAddress.Length + Flow.Tuple.RemoteAddress.Length;

    /// <summary>Reads the header; what follows it is the body.</summary>
    public static DropReason TryRead(ReadOnlySpan<byte> message, out MessageHeader header, out MessageReader body)
    {
        header = default;
        body = default;
        if (message.Length < FixedLength || message.Length > HandoffLimits.MaxMessageBytes)
        {
            return DropReason.MessageMalformed;
        }

        if (message[0] != Version)
        {
            return DropReason.MessageVersion;
        }

        var kind = (MessageKind)message[1];
        ulong handoff = BinaryPrimitives.ReadUInt64BigEndian(message[4..]);
        uint epoch = BinaryPrimitives.ReadUInt32BigEndian(message[12..]);
        var protocol = (IpProtocol)message[16];
        int addressLength = message[17] switch { (byte)AddressFamily.V4 => 4, (byte)AddressFamily.V6 => 16, _ => 0 };
        bool outsideHandoff = kind is >= MessageKind.Closed;
        if (kind is < MessageKind.Prepare or > MessageKind.ResidueAck
            || message[2] != 0 || message[3] != 0
            || (handoff == 0) != outsideHandoff
            || epoch is 0 or > MaxEpoch
            || protocol is not (IpProtocol.Tcp or IpProtocol.Udp)
            || addressLength == 0
            || message.Length < FixedLength + 2 * addressLength)
        {
            return DropReason.MessageMalformed;
        }

        var local = InetAddress.FromBytes(message.Slice(FixedLength, addressLength));
        var remote = InetAddress.FromBytes(message.Slice(FixedLength + addressLength, addressLength));
        if (local.Length != addressLength || remote.Length != addressLength)
        {
            // An IPv4-mapped address (RFC 4291 §2.5.5.2) has one spelling here: four bytes.
            return DropReason.MessageMalformed;
        }

        ushort localPort = BinaryPrimitives.ReadUInt16BigEndian(message[18..]);
        ushort remotePort = BinaryPrimitives.ReadUInt16BigEndian(message[20..]);
        header = new(kind, new(handoff), new(epoch), new(protocol, new(local, localPort, remote, remotePort)));
        body = new MessageReader(message[(FixedLength + 2 * addressLength)..]);
        return DropReason.None;
    }

    /// <summary>A message of this header with room for <paramref name="bodyLength"/> bytes, and a writer at the body.</summary>
    public byte[] Allocate(int bodyLength, out MessageWriter body)
    {
        var message = new byte[Length + bodyLength];
        message[0] = Version;
        message[1] = (byte)Kind;
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(4), Handoff.Value);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(12), Epoch.Value);
        message[16] = (byte)Flow.Protocol;
        message[17] = (byte)Flow.Tuple.LocalAddress.Family;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(18), Flow.Tuple.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(20), Flow.Tuple.RemotePort);
        int addressLength = Flow.Tuple.LocalAddress.CopyTo(message.AsSpan(FixedLength));
        Flow.Tuple.RemoteAddress.CopyTo(message.AsSpan(FixedLength + addressLength));
        body = new MessageWriter(message.AsSpan(Length));
        return message;
    }
}

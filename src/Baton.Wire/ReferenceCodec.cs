using System.Buffers.Binary;

namespace Baton.Wire;

/// <summary>The flags of an encoded reference.</summary>
[Flags]
public enum ReferenceFlags : byte
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>The packet behind the header is a forwarded one.</summary>
    Forwarded = 1,

    /// <summary>The sequence group is present (TCP).</summary>
    SequenceGroup = 2,

    /// <summary>Client and service addresses are IPv6.</summary>
    ClientV6 = 4,

    /// <summary>The owner's address is IPv6.</summary>
    OwnerV6 = 8,
}

/// <summary>
/// The reference on the wire: one Geneve header (RFC 8926) with exactly one option, described field by field in
/// <c>docs/reference.md</c>.
/// </summary>
public static class ReferenceCodec
{
    /// <summary>The option's class, of the experimental range (RFC 8926 §7).</summary>
    public const ushort OptionClass = 0xFF42;

    /// <summary>The option's type, critical bit set.</summary>
    public const byte OptionType = 0x81;

    /// <summary>The version of the option's data.</summary>
    public const byte Version = 1;

    /// <summary>The hop count an owner issues: a packet is forwarded at most so often.</summary>
    public const int InitialHops = 4;

    /// <summary>Where the hop count stands, the one byte that ever changes.</summary>
    public const int HopCountOffset = DataOffset + 2;

    /// <summary>Where the endpoint id stands.</summary>
    public const int EndpointIdOffset = DataOffset + 8;

    private const int DataOffset = GeneveHeader.Length + OptionHeaderLength;
    private const int OptionHeaderLength = 4;
    private const int FixedDataLength = 44;
    private const ReferenceFlags AllFlags =
        ReferenceFlags.Forwarded | ReferenceFlags.SequenceGroup | ReferenceFlags.ClientV6 | ReferenceFlags.OwnerV6;

    /// <summary>Writes the reference as its owner issues it: <see cref="ReferenceFlags.Forwarded"/> set, <see cref="InitialHops"/> to go.</summary>
    public static EncodedReference Encode(in Reference reference)
    {
        Span<byte> header = stackalloc byte[EncodedReference.MaxLength];
        var tuple = reference.Flow.Tuple;
        var flags = ReferenceFlags.Forwarded
            | (reference.Sequence is null ? 0 : ReferenceFlags.SequenceGroup)
            | (tuple.RemoteAddress.IsV4 ? 0 : ReferenceFlags.ClientV6)
            | (reference.OwnerAddress.IsV4 ? 0 : ReferenceFlags.OwnerV6);
        int dataLength = DataLength(flags);
        new GeneveHeader(OptionHeaderLength + dataLength, false, true, EtherType.Of(tuple.RemoteAddress.Family), 0).Write(header);
        BinaryPrimitives.WriteUInt32BigEndian(
            header[GeneveHeader.Length..],
            (uint)OptionClass << 16 | (uint)OptionType << 8 | (uint)dataLength / 4);

        var data = header[DataOffset..];
        BinaryPrimitives.WriteUInt32BigEndian(
            data,
            (uint)Version << 24 | (uint)flags << 16 | (uint)InitialHops << 8 | (byte)reference.Flow.Protocol);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], reference.Epoch.Value);
        BinaryPrimitives.WriteUInt64BigEndian(data[8..], reference.Id.Value);
        BinaryPrimitives.WriteUInt16BigEndian(data[16..], tuple.RemotePort);
        BinaryPrimitives.WriteUInt16BigEndian(data[18..], reference.OwnerPort);
        BinaryPrimitives.WriteUInt32BigEndian(data[20..], (uint)tuple.LocalPort << 16);
        WriteSequence(data[24..], reference.Sequence.GetValueOrDefault());
        int at = FixedDataLength;
        at += tuple.RemoteAddress.CopyTo(data[at..]);
        at += tuple.LocalAddress.CopyTo(data[at..]);
        reference.OwnerAddress.CopyTo(data[at..]);
        return EncodedReference.FromBytes(header[..(DataOffset + dataLength)]);
    }

    /// <summary>
    /// Reads the reference at the start of <paramref name="geneve"/> (a UDP payload, the packet following). Accepts only
    /// what <see cref="Encode"/> writes, with any hop count and with or without <see cref="ReferenceFlags.Forwarded"/>.
    /// </summary>
    /// <param name="geneve">From the Geneve header on.</param>
    /// <param name="reference">The reference.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="hops">Its hop count.</param>
    /// <param name="headerLength">Where the packet begins.</param>
    public static DropReason TryDecode(
        ReadOnlySpan<byte> geneve,
        out Reference reference,
        out ReferenceFlags flags,
        out byte hops,
        out int headerLength)
    {
        reference = default;
        flags = default;
        hops = 0;
        headerLength = 0;
        var reason = CheckEnvelope(geneve, out var data, out var found);
        if (reason != DropReason.None)
        {
            return reason;
        }

        int addressLength = (found & ReferenceFlags.ClientV6) != 0 ? 16 : 4;
        var client = InetAddress.FromBytes(data.Slice(FixedDataLength, addressLength));
        var service = InetAddress.FromBytes(data.Slice(FixedDataLength + addressLength, addressLength));
        var owner = InetAddress.FromBytes(data[(FixedDataLength + (2 * addressLength))..]);
        if (client.Length != addressLength || service.Length != addressLength || owner.IsV4 == ((found & ReferenceFlags.OwnerV6) != 0))
        {
            // An IPv4-mapped address has two spellings; only the short one is written.
            return DropReason.ReferenceMalformed;
        }

        uint servicePort = BinaryPrimitives.ReadUInt32BigEndian(data[20..]);
        bool hasSequence = (found & ReferenceFlags.SequenceGroup) != 0;
        if ((ushort)servicePort != 0 || (!hasSequence && data.Slice(24, 20).ContainsAnyExcept((byte)0)))
        {
            return DropReason.ReferenceMalformed;
        }

        reference = new(
            new((IpProtocol)data[3], new(service, (ushort)(servicePort >> 16), client, BinaryPrimitives.ReadUInt16BigEndian(data[16..]))),
            new(BinaryPrimitives.ReadUInt64BigEndian(data[8..])),
            new(BinaryPrimitives.ReadUInt32BigEndian(data[4..])),
            owner,
            BinaryPrimitives.ReadUInt16BigEndian(data[18..]),
            hasSequence ? ReadSequence(data[24..]) : null);
        flags = found;
        hops = data[2];
        headerLength = DataOffset + data.Length;
        return DropReason.None;
    }

    /// <summary>The hop count in an encoded reference.</summary>
    public static byte Hops(ReadOnlySpan<byte> header) => header[HopCountOffset];

    /// <summary>The endpoint id in an encoded reference, by which the owner looks up what it issued.</summary>
    public static EndpointId Id(ReadOnlySpan<byte> header) => header.Length < EndpointIdOffset + sizeof(ulong)
        ? EndpointId.None
        : new(BinaryPrimitives.ReadUInt64BigEndian(header[EndpointIdOffset..]));

    /// <summary>Sets the hop count.</summary>
    public static void WriteHops(Span<byte> header, byte hops) => header[HopCountOffset] = hops;

    /// <summary>
    /// Whether two encoded references are the same but for their hop counts. What stands in the same memory is not read: a
    /// home's directory and stack share the references of endpoints that they own.
    /// </summary>
    public static bool SameButHops(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.Length == right.Length
        && left.Length > HopCountOffset
        && (left == right || SameBytesButHops(left, right));

    private static bool SameBytesButHops(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left[..HopCountOffset].SequenceEqual(right[..HopCountOffset])
        && left[(HopCountOffset + 1)..].SequenceEqual(right[(HopCountOffset + 1)..]);

    private static int DataLength(ReferenceFlags flags) =>
        FixedDataLength
        + ((flags & ReferenceFlags.ClientV6) != 0 ? 32 : 8)
        + ((flags & ReferenceFlags.OwnerV6) != 0 ? 16 : 4);

    /// <summary>Checks everything around the option's data, and the data's first word and length.</summary>
    private static DropReason CheckEnvelope(ReadOnlySpan<byte> geneve, out ReadOnlySpan<byte> data, out ReferenceFlags flags)
    {
        data = default;
        flags = default;
        if (GeneveHeader.TryParse(geneve, out var outer) is not DropReason.None and var reason)
        {
            return reason;
        }

        // RFC 8926 §3.5: exactly one option fills the options, and what Encode never sets is not set.
        var option = geneve.Slice(GeneveHeader.Length, outer.OptionsLength);
        if (outer.Control || !outer.Critical || outer.Vni != 0 || (geneve[1] & 0x3F) != 0 || geneve[7] != 0
            || option.Length < OptionHeaderLength + FixedDataLength
            || BinaryPrimitives.ReadUInt32BigEndian(option) >> 8 != ((uint)OptionClass << 8 | OptionType)
            || option[3] * 4 != option.Length - OptionHeaderLength)
        {
            return DropReason.GeneveMalformed;
        }

        data = option[OptionHeaderLength..];
        if (data[0] != Version)
        {
            return DropReason.ReferenceVersion;
        }

        flags = (ReferenceFlags)data[1];
        var family = (flags & ReferenceFlags.ClientV6) != 0 ? AddressFamily.V6 : AddressFamily.V4;
        bool sound = (flags & ~AllFlags) == 0
            && data.Length == DataLength(flags)
            && outer.Protocol == EtherType.Of(family)
            && (IpProtocol)data[3] is IpProtocol.Tcp or IpProtocol.Udp;
        return sound ? DropReason.None : DropReason.ReferenceMalformed;
    }

    private static void WriteSequence(Span<byte> destination, SequenceGroup group)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, group.Iss.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], group.Irs.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], group.SndUna.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], group.SndNxt.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], group.RcvNxt.Value);
    }

    private static SequenceGroup ReadSequence(ReadOnlySpan<byte> source) => new(
        new(BinaryPrimitives.ReadUInt32BigEndian(source)),
        new(BinaryPrimitives.ReadUInt32BigEndian(source[4..])),
        new(BinaryPrimitives.ReadUInt32BigEndian(source[8..])),
        new(BinaryPrimitives.ReadUInt32BigEndian(source[12..])),
        new(BinaryPrimitives.ReadUInt32BigEndian(source[16..])));
}

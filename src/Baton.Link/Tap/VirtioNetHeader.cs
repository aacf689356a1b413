using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// struct virtio_net_hdr_v1 (Virtual I/O Device specification 1.2 §5.1.6) in the machine's byte order, as the kernel
/// puts it before each frame of a TAP device.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct VirtioNetHeader
{
    public const int Length = 12;

    private const byte NeedsChecksum = 1;
    private const byte DataValid = 2;
    private const byte GsoTcpV4 = 1, GsoTcpV6 = 4, GsoUdpL4 = 5, GsoEcn = 0x80;

    public byte Flags;
    public byte GsoType;
    public ushort HeadersLength;
    public ushort SegmentSize;
    public ushort ChecksumStart;
    public ushort ChecksumOffset;
    public ushort Buffers;

    /// <summary>Describes a frame that we send; <paramref name="headers"/> holds at least its transport header.</summary>
    /// <returns>False when the frame asks for offload and has no transport header that it could be done for.</returns>
    public static bool TryDescribe(FrameOffload offload, ReadOnlySpan<byte> headers, out VirtioNetHeader header)
    {
        header = default;
        if (offload.Gso == Wire.GsoType.None && offload.Checksum != ChecksumState.Partial)
        {
            return true;
        }

        if (!FrameLayout.TryFind(headers, out var layout))
        {
            return false;
        }

        // Cutting a frame always includes completing its checksums: the kernel takes no GSO frame without this flag.
        header.Flags = NeedsChecksum;
        header.ChecksumStart = (ushort)layout.TransportOffset;
        header.ChecksumOffset = (ushort)layout.ChecksumOffset;
        if (offload.Gso != Wire.GsoType.None)
        {
            header.HeadersLength = (ushort)layout.HeadersLength;
            header.SegmentSize = offload.SegmentSize;
            header.GsoType = offload.Gso switch
            {
                Wire.GsoType.TcpV4 => GsoTcpV4,
                Wire.GsoType.TcpV6 => GsoTcpV6,
                _ => GsoUdpL4,
            };
            header.GsoType |= layout.CongestionWindowReduced ? GsoEcn : (byte)0;
        }

        return true;
    }

    /// <summary>What the kernel says of <paramref name="frame"/>; a checksum that we could not describe is completed here.</summary>
    /// <returns>False when the header contradicts the frame.</returns>
    public readonly bool TryRead(Span<byte> frame, out FrameOffload offload)
    {
        offload = FrameOffload.None;
        var gso = (GsoType & ~GsoEcn) switch
        {
            0 => Wire.GsoType.None,
            GsoTcpV4 => Wire.GsoType.TcpV4,
            GsoTcpV6 => Wire.GsoType.TcpV6,
            GsoUdpL4 => Wire.GsoType.UdpL4,
            _ => (Wire.GsoType?)null,
        };
        if (gso is not { } known || (known != Wire.GsoType.None && SegmentSize == 0))
        {
            return false;
        }

        var checksum = ChecksumState.Complete;
        if ((Flags & NeedsChecksum) != 0)
        {
            if (ChecksumStart + ChecksumOffset + 2 > frame.Length)
            {
                return false;
            }

            if (FrameLayout.TryFind(frame, out var layout) && layout.TransportOffset == ChecksumStart)
            {
                checksum = ChecksumState.Partial;
            }
            else
            {
                Complete(frame);
            }
        }
        else if ((Flags & DataValid) != 0)
        {
            checksum = ChecksumState.Verified;
        }

        offload = new(checksum, known, known == Wire.GsoType.None ? (ushort)0 : SegmentSize);
        return true;
    }

    /// <summary>A checksum elsewhere than in the outermost transport header: the field holds what the sum begins with.</summary>
    private readonly void Complete(Span<byte> frame)
    {
        ushort checksum = Checksum.Fold(Checksum.Add(frame[ChecksumStart..]));

        // RFC 768: a computed 0 is sent as all ones, which for other protocols means the same.
        BinaryPrimitives.WriteUInt16BigEndian(frame[(ChecksumStart + ChecksumOffset)..], checksum == 0 ? ushort.MaxValue : checksum);
    }
}

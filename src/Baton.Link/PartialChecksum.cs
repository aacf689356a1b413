using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Link;

/// <summary>Completes a transport checksum whose field holds the pseudo-header's sum (<see cref="ChecksumState.Partial"/>).</summary>
internal static class PartialChecksum
{
    /// <summary>Completes the checksum of the frame's outermost TCP or UDP header; leaves other frames alone.</summary>
    public static void Complete(Span<byte> frame)
    {
        if (!FrameLayout.TryFind(frame, out var layout))
        {
            return;
        }

        Complete(frame[..FrameLayout.LengthWithoutPadding(frame)], layout.TransportOffset, layout.ChecksumOffset);
    }

    /// <summary>Sums from <paramref name="start"/> to the end and puts the result <paramref name="offset"/> bytes behind the start.</summary>
    public static void Complete(Span<byte> frame, int start, int offset)
    {
        ulong sum = 0;
        var rest = frame[start..];
        for (; rest.Length >= 2; rest = rest[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(rest);
        }

        sum += rest.Length == 1 ? (ulong)rest[0] << 8 : 0;
        while (sum > ushort.MaxValue)
        {
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        }

        // RFC 768: a computed 0 is sent as all ones; for TCP both mean the same.
        ushort field = (ushort)~sum;
        BinaryPrimitives.WriteUInt16BigEndian(frame[(start + offset)..], field == 0 ? ushort.MaxValue : field);
    }
}

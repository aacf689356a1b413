using System.Buffers.Binary;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Farm;

/// <summary>A time in which the client saw no new data.</summary>
/// <param name="From">The last new data before it.</param>
/// <param name="To">The first new data after it.</param>
internal readonly record struct Gap(Instant From, Instant To)
{
    public double Milliseconds => (To - From).TotalMilliseconds;

    public bool Overlaps(Instant from, Instant to) => From < to && To > from;
}

/// <summary>Reads the client-side capture: the times between segments that bring the client bytes it has not seen.</summary>
internal static class NewDataGaps
{
    public static List<Gap> Read(string path)
    {
        var gaps = new List<Gap>();
        using var reader = PcapngReader.Open(path);
        Instant? last = null;
        SeqNum? end = null;
        while (reader.TryRead(out var frame))
        {
            if (TryReadData(frame, out var next) && (end is not { } seen || next > seen))
            {
                var now = new Instant(frame.TimeNanoseconds / 100);
                if (last is { } before)
                {
                    gaps.Add(new(before, now));
                }

                last = now;
                end = next;
            }
        }

        return reader.Dropped == 0 ? gaps : throw new Machine.BenchException("the capture is not whole");
    }

    /// <summary>The sequence number after a segment's payload, if it is one from the service and has any.</summary>
    private static bool TryReadData(CapturedFrame frame, out SeqNum end)
    {
        end = default;
        var bytes = frame.Data.Span;
        if (bytes.Length < 54 || BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) != EtherType.Ipv4 || bytes[23] != (byte)IpProtocol.Tcp)
        {
            return false;
        }

        // The capture has the headers only: how much data there was is what the lengths say.
        var ip = bytes[EthernetHeader.Length..];
        int ipHeader = (ip[0] & 0x0F) * 4;
        var tcp = ip[ipHeader..];
        int payload = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]) - ipHeader - (tcp[12] >> 4) * 4;
        end = new SeqNum(BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]) + (uint)payload);
        return BinaryPrimitives.ReadUInt16BigEndian(tcp) == FarmNetwork.Port && payload > 0;
    }
}

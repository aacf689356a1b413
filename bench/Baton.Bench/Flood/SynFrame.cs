using System.Buffers.Binary;
using System.Net;
using Baton.Wire;

namespace Baton.Bench.Flood;

/// <summary>
/// A SYN with the options that Linux offers, made once; each sender, port and sequence number is written into it with the
/// checksums that follow.
/// </summary>
internal sealed class SynFrame
{
    public const int Length = Segment + 40;

    private const int Ip = EthernetHeader.Length, IpSum = Ip + 10, Source = Ip + 12, Segment = Ip + 20, Sequence = Segment + 4, SegmentSum = Segment + 16;

    private readonly byte[] _template = new byte[Length];
    private readonly uint _ipSum;
    private readonly uint _segmentSum;

    public SynFrame(MacAddress to, IPEndPoint service)
    {
        byte[] address = service.Address.GetAddressBytes();
        new EthernetHeader(to, new(0x02_00_00_00_00_77), EtherType.Ipv4).Write(_template);
        byte[] ip = [0x45, 0, 0, Length - Ip, 0, 0, 0x40, 0, 64, (byte)IpProtocol.Tcp, 0, 0, 0, 0, 0, 0, .. address];
        byte[] segment =
        [
            0, 0, (byte)(service.Port >> 8), (byte)service.Port, 0, 0, 0, 0, 0, 0, 0, 0, 0xA0, 0x02, 0xFA, 0xF0, 0, 0, 0, 0,
            2, 4, 5, 0xB4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7,
        ];
        ip.CopyTo(_template, Ip);
        segment.CopyTo(_template, Segment);
        _ipSum = Sum(ip);
        _segmentSum = Sum(segment) + Sum([.. address, 0, (byte)IpProtocol.Tcp, 0, (byte)segment.Length]);
    }

    /// <summary>Writes the frame of another sender.</summary>
    public void Write(Span<byte> frame, uint address, ushort port, uint sequence)
    {
        _template.CopyTo(frame);
        BinaryPrimitives.WriteUInt32BigEndian(frame[Source..], address);
        BinaryPrimitives.WriteUInt16BigEndian(frame[Segment..], port);
        BinaryPrimitives.WriteUInt32BigEndian(frame[Sequence..], sequence);
        uint source = (address >> 16) + (ushort)address;
        BinaryPrimitives.WriteUInt16BigEndian(frame[IpSum..], Fold(_ipSum + source));
        BinaryPrimitives.WriteUInt16BigEndian(frame[SegmentSum..], Fold(_segmentSum + source + port + (sequence >> 16) + (ushort)sequence));
    }

    private static uint Sum(byte[] words)
    {
        uint sum = 0;
        for (int i = 0; i < words.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(words.AsSpan(i));
        }

        return sum;
    }

    private static ushort Fold(uint sum)
    {
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}

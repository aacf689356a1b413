using System.Buffers.Binary;
using System.Text;
using Baton.Wire;

namespace Baton.Link;

/// <summary>Writes pcapng blocks (draft-ietf-opsawg-pcapng) for one Ethernet interface, little-endian.</summary>
internal static class PcapngBlocks
{
    /// <summary>Bytes of an enhanced packet block around its padded data: header, flags option, end of options, length.</summary>
    public const int EnhancedPacketOverhead = PcapngFormat.EnhancedPacketHeader + 8 + 4 + 4;

    /// <summary>The section header and the interface's description: what a file begins with.</summary>
    public static byte[] FileHeader(string application, string interfaceName, MacAddress address, int snapLength)
    {
        var file = new BlockBuilder();
        file.Begin(PcapngFormat.SectionHeader);
        file.Add(PcapngFormat.ByteOrderMagic);
        file.Add((ushort)1);
        file.Add((ushort)0);
        file.Add(ulong.MaxValue);
        file.AddOption(PcapngFormat.OptionApplication, Encoding.UTF8.GetBytes(application));
        file.End();

        Span<byte> mac = stackalloc byte[MacAddress.Length];
        address.CopyTo(mac);
        file.Begin(PcapngFormat.InterfaceDescription);
        file.Add(PcapngFormat.LinkTypeEthernet);
        file.Add((ushort)0);
        file.Add((uint)snapLength);
        file.AddOption(PcapngFormat.OptionInterfaceName, Encoding.UTF8.GetBytes(interfaceName));
        file.AddOption(PcapngFormat.OptionInterfaceAddress, mac);
        file.AddOption(PcapngFormat.OptionTimeResolution, [PcapngFormat.Nanoseconds]);
        file.End();
        return file.ToArray();
    }

    /// <summary>The interface's statistics: what a file ends with.</summary>
    public static byte[] Statistics(long timeNanoseconds, CaptureStatistics statistics)
    {
        var file = new BlockBuilder();
        file.Begin(PcapngFormat.InterfaceStatistics);
        file.Add(0u);
        file.Add((uint)(timeNanoseconds >> 32));
        file.Add((uint)timeNanoseconds);
        file.AddOption(PcapngFormat.OptionReceived, statistics.Frames);
        file.AddOption(PcapngFormat.OptionDropped, statistics.Dropped);
        file.AddOption(PcapngFormat.OptionDelivered, statistics.Frames - statistics.Dropped);
        file.End();
        return file.ToArray();
    }

    /// <summary>
    /// Writes an enhanced packet block around data of <paramref name="captured"/> bytes, which the caller has put, or
    /// puts, at <see cref="PcapngFormat.EnhancedPacketHeader"/>.
    /// </summary>
    /// <param name="block"><see cref="EnhancedPacketOverhead"/> and the padded length of the data.</param>
    /// <param name="timeNanoseconds">The frame's time.</param>
    /// <param name="captured">Bytes kept.</param>
    /// <param name="original">Bytes that passed.</param>
    /// <param name="direction">Which way.</param>
    public static void WriteAround(Span<byte> block, long timeNanoseconds, int captured, int original, CaptureDirection direction)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block, PcapngFormat.EnhancedPacket);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], block.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], (uint)(timeNanoseconds >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[16..], (uint)timeNanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(block[20..], captured);
        BinaryPrimitives.WriteInt32LittleEndian(block[24..], original);
        var rest = block[(PcapngFormat.EnhancedPacketHeader + captured)..];
        int padding = PcapngFormat.Padded(captured) - captured;
        rest[..padding].Clear();
        rest = rest[padding..];
        BinaryPrimitives.WriteUInt16LittleEndian(rest, PcapngFormat.OptionPacketFlags);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], (uint)direction);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], PcapngFormat.OptionEnd);
        BinaryPrimitives.WriteInt32LittleEndian(rest[12..], block.Length);
    }

    /// <summary>Blocks put together at the start and end of a file, where nothing hurries.</summary>
    private sealed class BlockBuilder
    {
        private readonly List<byte> _bytes = [];
        private int _start;

        public void Begin(uint type)
        {
            _start = _bytes.Count;
            Add(type);
            Add(0u);
        }

        public void Add(ushort value) => _bytes.AddRange([(byte)value, (byte)(value >> 8)]);

        public void Add(uint value)
        {
            Add((ushort)value);
            Add((ushort)(value >> 16));
        }

        public void Add(ulong value)
        {
            Add((uint)value);
            Add((uint)(value >> 32));
        }

        public void AddOption(ushort code, ReadOnlySpan<byte> value)
        {
            Add(code);
            Add((ushort)value.Length);
            _bytes.AddRange(value);
            _bytes.AddRange(stackalloc byte[PcapngFormat.Padded(value.Length) - value.Length]);
        }

        public void AddOption(ushort code, long value)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            AddOption(code, bytes);
        }

        public void End()
        {
            Add((uint)PcapngFormat.OptionEnd);
            int length = _bytes.Count - _start + 4;
            Add((uint)length);
            for (int i = 0; i < 4; i++)
            {
                _bytes[_start + 4 + i] = (byte)(length >> (8 * i));
            }
        }

        public byte[] ToArray() => [.. _bytes];
    }
}

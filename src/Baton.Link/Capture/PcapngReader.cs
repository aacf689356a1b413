using System.Buffers.Binary;

namespace Baton.Link;

/// <summary>
/// Reads a pcapng file frame by frame, in constant memory. Knows sections of either byte order, interfaces with any time
/// resolution, enhanced and simple packets, and interface statistics; skips every other block and option.
/// </summary>
public sealed class PcapngReader : IDisposable
{
    // Longer blocks are no captured frames: a limit for damaged files.
    private const int BlockLimit = 1 << 20;

    private readonly Stream _stream;
    private readonly List<Interface> _interfaces = [];
    private byte[] _block = new byte[4096];
    private bool _bigEndian;
    private long _position;

    /// <summary>Reads from a stream, which is disposed with the reader.</summary>
    public PcapngReader(Stream stream) => _stream = stream;

    /// <summary>Frames that the statistics read so far say are missing in the file.</summary>
    public long Dropped { get; private set; }

    /// <summary>Names of the present section's interfaces, by number; empty where the file has none.</summary>
    public IReadOnlyList<string> InterfaceNames => [.. _interfaces.Select(i => i.Name)];

    /// <summary>Opens a file; one that is still being written can be read up to its last whole block.</summary>
    public static PcapngReader Open(string path) => new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16));

    /// <summary>Reads on to the next frame.</summary>
    /// <returns>False at the end; a block that is cut off there counts as the end.</returns>
    /// <exception cref="InvalidDataException">The file is not pcapng, or damaged.</exception>
    public bool TryRead(out CapturedFrame frame)
    {
        while (TryReadBlock(out uint type, out var body))
        {
            switch (type)
            {
                case PcapngFormat.SectionHeader:
                    _interfaces.Clear();
                    break;
                case PcapngFormat.InterfaceDescription:
                    ReadInterface(body.Span);
                    break;
                case PcapngFormat.InterfaceStatistics:
                    ReadStatistics(body.Span);
                    break;
                case PcapngFormat.EnhancedPacket:
                    frame = ReadEnhanced(body);
                    return true;
                case PcapngFormat.SimplePacket:
                    frame = ReadSimple(body);
                    return true;
                default:
                    break;
            }
        }

        frame = default;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private bool TryReadBlock(out uint type, out ReadOnlyMemory<byte> body)
    {
        type = 0;
        body = default;
        if (!TryFill(0, 12))
        {
            return false;
        }

        // A section header reads the same in both byte orders, and its body starts with the mark that tells them apart.
        if (BinaryPrimitives.ReadUInt32LittleEndian(_block) == PcapngFormat.SectionHeader)
        {
            uint mark = BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(8));
            _bigEndian = mark != PcapngFormat.ByteOrderMagic;
            Check(!_bigEndian || BinaryPrimitives.ReverseEndianness(mark) == PcapngFormat.ByteOrderMagic, "a section has no byte order mark");
        }

        Check(_position > 0 || BinaryPrimitives.ReadUInt32LittleEndian(_block) == PcapngFormat.SectionHeader, "it does not start with a section");
        type = Read32(_block);
        uint length = Read32(_block.AsSpan(4));
        Check(length >= PcapngFormat.BlockOverhead && length % 4 == 0 && length <= BlockLimit, $"a block of {length} bytes");
        if (_block.Length < length)
        {
            Array.Resize(ref _block, (int)length);
        }

        if (!TryFill(12, (int)length - 12))
        {
            return false;
        }

        Check(Read32(_block.AsSpan((int)length - 4)) == length, "a block's two lengths differ");
        _position += length;
        body = _block.AsMemory(8, (int)length - PcapngFormat.BlockOverhead);
        return true;
    }

    private bool TryFill(int offset, int length) => _stream.ReadAtLeast(_block.AsSpan(offset, length), length, throwOnEndOfStream: false) == length;

    private void ReadInterface(ReadOnlySpan<byte> body)
    {
        Check(body.Length >= 8, "an interface's description is too short");
        var description = new Interface("", 1_000_000, 0, (int)Read32(body[4..]));
        var options = body[8..];
        while (TryReadOption(ref options, out ushort code, out var value))
        {
            description = code switch
            {
                PcapngFormat.OptionInterfaceName => description with { Name = System.Text.Encoding.UTF8.GetString(value) },
                PcapngFormat.OptionTimeResolution when value.Length >= 1 => description with { UnitsPerSecond = UnitsPerSecond(value[0]) },
                PcapngFormat.OptionTimeOffset when value.Length >= 8 => description with { OffsetSeconds = (long)Read64(value) },
                _ => description,
            };
        }

        _interfaces.Add(description);
    }

    /// <summary>if_tsresol: a negative power of ten, or of two when the highest bit is set.</summary>
    private static UInt128 UnitsPerSecond(byte resolution)
    {
        int power = Math.Min(resolution & 0x7F, (resolution & 0x80) != 0 ? 63 : 18);
        return (resolution & 0x80) != 0 ? UInt128.One << power : (UInt128)Math.Pow(10, power);
    }

    private void ReadStatistics(ReadOnlySpan<byte> body)
    {
        Check(body.Length >= 12, "interface statistics are too short");
        var options = body[12..];
        while (TryReadOption(ref options, out ushort code, out var value))
        {
            Dropped += code == PcapngFormat.OptionDropped && value.Length >= 8 ? (long)Read64(value) : 0;
        }
    }

    private CapturedFrame ReadEnhanced(ReadOnlyMemory<byte> block)
    {
        const int header = PcapngFormat.EnhancedPacketHeader - 8;
        var body = block.Span;
        Check(body.Length >= header, "a packet block is too short");
        uint number = Read32(body);
        uint captured = Read32(body[12..]);
        Check(number < _interfaces.Count, "a packet names an interface that is not described");
        Check(captured <= body.Length - header, "a packet is longer than its block");
        ulong time = (ulong)Read32(body[4..]) << 32 | Read32(body[8..]);
        var direction = CaptureDirection.Unknown;
        var options = body[Math.Min(header + PcapngFormat.Padded((int)captured), body.Length)..];
        while (TryReadOption(ref options, out ushort code, out var value))
        {
            if (code == PcapngFormat.OptionPacketFlags && value.Length >= 4)
            {
                direction = (CaptureDirection)(Read32(value) & 3);
            }
        }

        return new((int)number, _interfaces[(int)number].ToNanoseconds(time), (int)Read32(body[16..]), direction, block.Slice(header, (int)captured));
    }

    /// <summary>A simple packet belongs to the first interface and has no time; its length follows from the snap length.</summary>
    private CapturedFrame ReadSimple(ReadOnlyMemory<byte> block)
    {
        Check(block.Length >= 4 && _interfaces.Count > 0, "a simple packet has no interface");
        int original = (int)Read32(block.Span);
        int snap = _interfaces[0].SnapLength;
        int captured = Math.Min(snap > 0 ? Math.Min(original, snap) : original, block.Length - 4);
        Check(captured >= 0, "a packet has a negative length");
        return new(0, 0, original, CaptureDirection.Unknown, block.Slice(4, captured));
    }

    private bool TryReadOption(ref ReadOnlySpan<byte> options, out ushort code, out ReadOnlySpan<byte> value)
    {
        code = options.Length >= 4 ? Read16(options) : PcapngFormat.OptionEnd;
        value = default;
        if (code == PcapngFormat.OptionEnd)
        {
            return false;
        }

        int length = Read16(options[2..]);
        Check(length <= options.Length - 4, "an option is longer than its block");
        value = options.Slice(4, length);
        options = options[Math.Min(4 + PcapngFormat.Padded(length), options.Length)..];
        return true;
    }

    private void Check(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidDataException($"Not a sound pcapng file: {problem}, at byte {_position}.");
        }
    }

    private ushort Read16(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private uint Read32(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private ulong Read64(ReadOnlySpan<byte> bytes) =>
        _bigEndian ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private readonly record struct Interface(string Name, UInt128 UnitsPerSecond, long OffsetSeconds, int SnapLength)
    {
        public long ToNanoseconds(ulong units) => OffsetSeconds * 1_000_000_000 + (UnitsPerSecond == 1_000_000_000
            ? (long)units
            : (long)((UInt128)units * 1_000_000_000 / UnitsPerSecond));
    }
}

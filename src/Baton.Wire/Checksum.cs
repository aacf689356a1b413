using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Baton.Wire;

/// <summary>
/// The Internet checksum (RFC 1071): the ones'-complement sum of big-endian 16-bit words. Running sums are 32 bits wide
/// with end-around carry, so any number of parts can be added before <see cref="Fold"/>.
/// </summary>
public static class Checksum
{
    /// <summary>
    /// Adds <paramref name="bytes"/> to <paramref name="sum"/>. An odd last byte counts as the high half of a word, so
    /// every part but the last must have an even length; for other parts see <see cref="AddAt"/>.
    /// </summary>
    public static uint Add(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        ulong words = 0;
        if (bytes.Length >= 64)
        {
            words = SumBlocks(ref bytes);
        }

        // Sums are taken in the machine's byte order and swapped once at the end (RFC 1071 §2.B); 64-bit words are added
        // as their two halves, so that nothing is carried out.
        while (bytes.Length >= 8)
        {
            ulong word = MemoryMarshal.Read<ulong>(bytes);
            words += (word & 0xFFFF_FFFF) + (word >> 32);
            bytes = bytes[8..];
        }

        if (bytes.Length >= 4)
        {
            words += MemoryMarshal.Read<uint>(bytes);
            bytes = bytes[4..];
        }

        if (bytes.Length >= 2)
        {
            words += MemoryMarshal.Read<ushort>(bytes);
            bytes = bytes[2..];
        }

        if (bytes.Length == 1)
        {
            words += BitConverter.IsLittleEndian ? bytes[0] : (uint)bytes[0] << 8;
        }

        ushort folded = Reduce(words);
        return AddCarry(sum, BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded);
    }

    /// <summary>Adds <paramref name="bytes"/> that begin <paramref name="offset"/> bytes after the start of the summed data.</summary>
    public static uint AddAt(ReadOnlySpan<byte> bytes, int offset, uint sum)
    {
        if ((offset & 1) == 0)
        {
            return Add(bytes, sum);
        }

        // RFC 1071 §2.B: moving the data by one byte swaps the bytes of their sum.
        return AddCarry(sum, BinaryPrimitives.ReverseEndianness(Reduce(Add(bytes))));
    }

    /// <summary>The checksum to be written: the sum folded to 16 bits and complemented. Over data with a right checksum it is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Fold(uint sum) => (ushort)~Reduce(sum);

    /// <summary>The sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1); both addresses are of one family.</summary>
    /// <param name="source">The packet's source.</param>
    /// <param name="destination">The packet's destination.</param>
    /// <param name="protocol">The transport protocol.</param>
    /// <param name="length">Bytes of transport header and payload.</param>
    public static uint PseudoHeader(InetAddress source, InetAddress destination, IpProtocol protocol, int length)
    {
        ulong sum = (uint)length + (ulong)(byte)protocol;
        if (source.IsV4)
        {
            sum += (ulong)source.V4 + destination.V4;
        }
        else
        {
            sum += Halves(source.High) + Halves(source.Low) + Halves(destination.High) + Halves(destination.Low);
        }

        return Reduce(sum);
    }

    /// <summary>The field after 16 bits of the data changed (RFC 1624, equation 3).</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after) =>
        Fold((uint)(ushort)~checksum + (ushort)~before + after);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Halves(ulong word) => (word & 0xFFFF_FFFF) + (word >> 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint AddCarry(uint sum, uint part)
    {
        uint result = sum + part;
        return result < sum ? result + 1 : result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ushort Reduce(ulong sum)
    {
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)((sum & 0xFFFF) + (sum >> 16));
    }

    private static ulong SumBlocks(ref ReadOnlySpan<byte> bytes) =>
        Vector512.IsHardwareAccelerated ? Sum512(ref bytes)
        : Vector256.IsHardwareAccelerated ? Sum256(ref bytes)
        : Vector128.IsHardwareAccelerated ? Sum128(ref bytes)
        : 0;

    internal static ulong Sum512(ref ReadOnlySpan<byte> bytes)
    {
        var blocks = MemoryMarshal.Cast<byte, Vector512<ulong>>(bytes);
        bytes = bytes[(blocks.Length * Vector512<byte>.Count)..];
        var mask = Vector512.Create(0xFFFF_FFFFUL);
        Vector512<ulong> low = default, high = default;
        foreach (var block in blocks)
        {
            low += block & mask;
            high += block >>> 32;
        }

        return Vector512.Sum(low + high);
    }

    internal static ulong Sum256(ref ReadOnlySpan<byte> bytes)
    {
        var blocks = MemoryMarshal.Cast<byte, Vector256<ulong>>(bytes);
        bytes = bytes[(blocks.Length * Vector256<byte>.Count)..];
        var mask = Vector256.Create(0xFFFF_FFFFUL);
        Vector256<ulong> low = default, high = default;
        foreach (var block in blocks)
        {
            low += block & mask;
            high += block >>> 32;
        }

        return Vector256.Sum(low + high);
    }

    internal static ulong Sum128(ref ReadOnlySpan<byte> bytes)
    {
        var blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        bytes = bytes[(blocks.Length * Vector128<byte>.Count)..];
        var mask = Vector128.Create(0xFFFF_FFFFUL);
        Vector128<ulong> low = default, high = default;
        foreach (var block in blocks)
        {
            low += block & mask;
            high += block >>> 32;
        }

        return Vector128.Sum(low + high);
    }
}

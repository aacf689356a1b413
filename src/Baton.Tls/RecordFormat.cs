using System.Buffers.Binary;

namespace Baton.Tls;

/// <summary>The form of records (RFC 8446 §5.1, §5.2).</summary>
public static class RecordFormat
{
    /// <summary>Bytes of a record's header: type, version, length.</summary>
    public const int HeaderLength = 5;

    /// <summary>The most bytes of content in one record.</summary>
    public const int MaxContent = 1 << 14;

    /// <summary>The most bytes after the header of a protected record of TLS 1.3.</summary>
    public const int MaxProtected = MaxContent + 256;

    /// <summary>The most bytes after the header of a record of TLS 1.2 (RFC 5246 §6.2.3).</summary>
    public const int MaxProtected12 = MaxContent + 2048;

    /// <summary>Bytes by which a protected record is longer than its content: header, type, tag. No padding is sent.</summary>
    public const int Overhead = HeaderLength + 1 + CipherSuite.TagLength;

    /// <summary>The length of the whole record that begins here, or 0 when its header is not there yet.</summary>
    public static int LengthOf(ReadOnlySpan<byte> bytes) =>
        bytes.Length < HeaderLength ? 0 : HeaderLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);

    /// <summary>Writes the header of a protected record with so many bytes after it.</summary>
    internal static void WriteHeader(Span<byte> header, int length)
    {
        header[0] = (byte)ContentType.ApplicationData;
        header[1] = 3;
        header[2] = 3;
        BinaryPrimitives.WriteUInt16BigEndian(header[3..], (ushort)length);
    }
}

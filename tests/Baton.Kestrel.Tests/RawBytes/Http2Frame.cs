using System.Buffers.Binary;
using System.Text;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>Frames of HTTP/2 (RFC 9113 §4.1, §6) as bytes, right and wrong ones.</summary>
internal static class Http2Frame
{
    public const byte EndStream = 1;
    public const byte Ack = 1;
    public const byte EndHeaders = 4;
    public const byte Padded = 8;
    public const byte Priority = 32;

    /// <summary>The client's preface (§3.4).</summary>
    public static byte[] Preface { get; } = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>A preface with empty SETTINGS, as most cases begin.</summary>
    public static byte[] Hello { get; } = [.. Preface, .. Settings()];

    public static byte[] Raw(byte type, byte flags, int stream, byte[] payload) => Raw(payload.Length, type, flags, stream, payload);

    public static byte[] Raw(int length, byte type, byte flags, int stream, byte[] payload) =>
        [(byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags, .. Number((uint)stream), .. payload];

    public static byte[] Data(int stream, string text, byte flags = EndStream) => Raw(0, flags, stream, Encoding.Latin1.GetBytes(text));

    public static byte[] Headers(int stream, byte[] block, byte flags = EndStream | EndHeaders) => Raw(1, flags, stream, block);

    public static byte[] Reset(int stream, uint code) => Raw(3, 0, stream, Number(code));

    public static byte[] Settings(params (ushort Id, uint Value)[] settings) =>
        Raw(4, 0, 0, [.. settings.SelectMany(one => (byte[])[(byte)(one.Id >> 8), (byte)one.Id, .. Number(one.Value)])]);

    public static byte[] Ping(string eight, byte flags = 0) => Raw(6, flags, 0, Encoding.Latin1.GetBytes(eight));

    public static byte[] GoAway(int last, uint code) => Raw(7, 0, 0, [.. Number((uint)last), .. Number(code)]);

    public static byte[] Window(int stream, uint increment) => Raw(8, 0, stream, Number(increment));

    public static byte[] Continuation(int stream, byte[] block, byte flags = EndHeaders) => Raw(9, flags, stream, block);

    /// <summary>The fields of a GET: <c>:method</c> and <c>:scheme</c> by the static table (RFC 7541 §6.1), the rest as literals.</summary>
    public static byte[] Get(string path) => [0x82, 0x86, .. Path(path), .. Authority];

    /// <summary>The fields of a POST.</summary>
    public static byte[] Post(string path) => [0x83, 0x86, .. Path(path), .. Authority];

    public static byte[] Authority { get; } = [0x01, 1, (byte)'a'];

    public static byte[] Path(string path) => [0x04, (byte)path.Length, .. Encoding.Latin1.GetBytes(path)];

    /// <summary>A literal field that no table gets (RFC 7541 §6.2.2).</summary>
    public static byte[] Field(string name, string value) =>
        [0, (byte)name.Length, .. Encoding.Latin1.GetBytes(name), (byte)value.Length, .. Encoding.Latin1.GetBytes(value)];

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    private static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}

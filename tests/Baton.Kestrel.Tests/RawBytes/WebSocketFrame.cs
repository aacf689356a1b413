using System.Text;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>Frames of a WebSocket's client (RFC 6455 §5.2) as bytes, right and wrong ones.</summary>
internal static class WebSocketFrame
{
    public const int Continuation = 0;
    public const int Text = 1;
    public const int Binary = 2;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;

    /// <summary>The first byte's bit of a message's last frame.</summary>
    public const int Fin = 0x80;

    private static readonly byte[] s_mask = [0x12, 0x34, 0x56, 0x78];

    /// <summary>A frame that ends its message, masked as a client's must be.</summary>
    public static byte[] Frame(int opcode, string payload) => Frame(Fin | opcode, Encoding.Latin1.GetBytes(payload));

    /// <summary>A frame that more of its message follows.</summary>
    public static byte[] Part(int opcode, string payload) => Frame(opcode, Encoding.Latin1.GetBytes(payload));

    /// <summary>A frame with the shortest length.</summary>
    public static byte[] Frame(int first, byte[] payload) => payload.Length switch
    {
        < 126 => Raw(first, [(byte)(0x80 | payload.Length)], payload),
        < 65_536 => Raw(first, [0xFE, (byte)(payload.Length >> 8), (byte)payload.Length], payload),
        _ => Raw(first, [0xFF, 0, 0, 0, 0, 0, (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length], payload),
    };

    /// <summary>A frame whose length is as written.</summary>
    public static byte[] Raw(int first, byte[] length, byte[] payload) =>
        [(byte)first, .. length, .. s_mask, .. payload.Select((value, at) => (byte)(value ^ s_mask[at % 4]))];

    /// <summary>A Close frame.</summary>
    public static byte[] Closing(int status, string reason = "") => Frame(Close, (char)(status >> 8) + $"{(char)(status & 0xFF)}" + reason);

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];
}

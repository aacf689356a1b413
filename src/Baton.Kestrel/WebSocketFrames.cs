using System.Buffers.Binary;

namespace Baton.Kestrel;

/// <summary>
/// Where the frames and messages of one direction of a WebSocket begin and end (RFC 6455 §5.2). It follows lengths only:
/// what is in the frames is the WebSocket's business.
/// </summary>
internal sealed class WebSocketFrames
{
    /// <summary>Opcode of a Close frame.</summary>
    public const int Close = 8;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaxHeader = 14;

    private long _left;
    private bool _inMessage;
    private int _opcode;

    /// <summary>Whether a whole number of messages has passed.</summary>
    public bool IsAtGap => _left == 0 && !_inMessage;

    /// <summary>Whether the next byte begins a frame.</summary>
    public bool IsAtFrame => _left == 0;

    /// <summary>Bytes left of the frame that has begun.</summary>
    public long Left => _left;

    /// <summary>Opcode of the frame that has begun last.</summary>
    public int Opcode => _opcode;

    /// <summary>Whether a Close frame has begun: nothing follows it (RFC 6455 §5.5.1).</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Begins the next frame, whose header <paramref name="bytes"/> start with.</summary>
    /// <param name="bytes">What there is of it.</param>
    /// <returns>The whole frame's length with its header, or 0 when the header is not there yet.</returns>
    public long Begin(ReadOnlySpan<byte> bytes)
    {
        long length = LengthOf(bytes);
        if (length > 0)
        {
            _left = length;
            _opcode = bytes[0] & 0x0F;

            // A control frame may stand between the frames of a message and does not end it (§5.4).
            if (_opcode < Close)
            {
                _inMessage = (bytes[0] & 0x80) == 0;
            }
            else if (_opcode == Close)
            {
                IsClosing = true;
            }
        }

        return length;
    }

    /// <summary>Bytes of the frame that has begun have passed.</summary>
    public void Pass(long count) => _left -= count;

    /// <summary>A frame's length with its header, or 0 when the header is not whole.</summary>
    public static long LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2)
        {
            return 0;
        }

        int header = 2 + ((bytes[1] & 0x80) != 0 ? 4 : 0);
        long payload = bytes[1] & 0x7F;
        if (payload == 126)
        {
            if (bytes.Length < 4)
            {
                return 0;
            }

            header += 2;
            payload = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        }
        else if (payload == 127)
        {
            if (bytes.Length < 10)
            {
                return 0;
            }

            header += 8;

            // The most significant bit must be 0 (§5.2); the WebSocket refuses the frame, whatever its length here.
            payload = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]) & (long.MaxValue >> 1);
        }

        return bytes.Length < header ? 0 : header + payload;
    }
}

using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// A frame to be sent: link header, IP and transport header in <see cref="Headers"/> (the caller's scratch memory), the
/// payload in the connection's ring, in two parts where it wraps. Frames made at once stand in <see cref="Headers"/> whole, but
/// for the payload of datagrams that the link is to cut apart.
/// </summary>
public readonly ref struct OutgoingFrame
{
    internal OutgoingFrame(
        InterfaceId networkInterface, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        Interface = networkInterface;
        Offload = offload;
        Headers = headers;
        Payload = payload;
        More = more;
    }

    /// <summary>Where it leaves.</summary>
    public InterfaceId Interface { get; }

    /// <summary>What the link still has to do to it: only what the interface's options say it can.</summary>
    public FrameOffload Offload { get; }

    /// <summary>The frame's beginning.</summary>
    public ReadOnlySpan<byte> Headers { get; }

    /// <summary>What follows.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>What follows that.</summary>
    public ReadOnlySpan<byte> More { get; }

    /// <summary>Bytes of the whole frame.</summary>
    public int Length => Headers.Length + Payload.Length + More.Length;
}

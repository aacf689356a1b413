using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>
/// A lan link that can be shut: from then on nothing leaves by it, as if the machine behind it had stopped. What comes in
/// still does, since a dead machine's wire takes it too.
/// </summary>
internal sealed class Gate(ILink inner) : ILink, IFrameReceiver
{
    private const ushort ChannelPort = 6082;

    private volatile int _state = Open;
    private IFrameReceiver? _receiver;

    private const int Open = int.MaxValue;
    private const int Closed = -1;

    public string Name => inner.Name;

    public MacAddress Address => inner.Address;

    public int Mtu => inner.Mtu;

    public LinkOffloads Offloads => inner.Offloads;

    public int WaitDescriptor => inner.WaitDescriptor;

    public Instant NextDeadline => inner.NextDeadline;

    /// <summary>Whether nothing leaves any more.</summary>
    public bool IsClosed => _state == Closed;

    /// <summary>Shuts it after so many more segments with data of the channel between nodes have left.</summary>
    public void CloseAfter(int messages) => _state = messages == 0 ? Closed : messages;

    public int Receive(IFrameReceiver receiver, int limit)
    {
        _receiver = receiver;
        return inner.Receive(this, limit);
    }

    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        int state = _state;
        if (state == Closed)
        {
            return true;
        }

        if (!inner.TrySend(offload, headers, payload, more))
        {
            return false;
        }

        if (state != Open && payload.Length > 0 && IsChannel(headers))
        {
            _state = state == 1 ? Closed : state - 1;
        }

        return true;
    }

    public void Flush() => inner.Flush();

    public void Dispose() => inner.Dispose();

    void IFrameReceiver.OnFrame(ILink link, FrameOffload offload, Span<byte> frame) => _receiver!.OnFrame(this, offload, frame);

    private static bool IsChannel(ReadOnlySpan<byte> headers) =>
        IpPacket.TryParseQuoted(headers[EthernetHeader.Length..], out var packet) == DropReason.None
        && packet.Protocol == IpProtocol.Tcp
        && (packet.SourcePort == ChannelPort || packet.DestinationPort == ChannelPort);
}

using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>A port of a switch on a VLAN: frames on the cable have its tag, frames given and taken have none. Others' are counted.</summary>
internal sealed class TaggedLink(ILink cable, ushort vlan) : ILink
{
    private const int Addresses = 12;
    private readonly List<byte[]> _sent = [];

    public string Name => cable.Name;

    public MacAddress Address => cable.Address;

    public int Mtu => cable.Mtu;

    public LinkOffloads Offloads => LinkOffloads.None;

    public int WaitDescriptor => cable.WaitDescriptor;

    public Instant NextDeadline => cable.NextDeadline;

    public long Foreign { get; private set; }

    public int Receive(IFrameReceiver receiver, int limit) => cable.Receive(new Untagging(this, vlan, receiver), limit);

    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        byte[] tag = [0x81, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(tag.AsSpan(2), vlan);
        byte[] frame = [.. headers[..Addresses], .. tag, .. headers[Addresses..], .. payload, .. more];
        _sent.Add(frame);
        return cable.TrySend(offload, frame, default);
    }

    public void Flush()
    {
        cable.Flush();
        _sent.Clear();
    }

    public void Dispose() => cable.Dispose();

    private sealed class Untagging(TaggedLink port, ushort vlan, IFrameReceiver receiver) : IFrameReceiver
    {
        public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(frame[Addresses..]) != (0x8100u << 16 | vlan))
            {
                port.Foreign++;
                return;
            }

            byte[] bare = [.. frame[..Addresses], .. frame[(Addresses + 4)..]];
            receiver.OnFrame(port, offload, bare);
        }
    }
}

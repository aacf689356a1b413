using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Memory;

/// <summary>
/// A link whose other end is a packet generator on the same thread: what was put in comes out in one burst, and what the
/// stack sends goes to the generated clients. Answers ARP for the gateway.
/// </summary>
internal sealed class GeneratorLink(string name, GeneratedClients? clients) : ILink
{
    /// <summary>Most frames of a burst.</summary>
    public const int Burst = 64;

    private readonly byte[] _frames = GC.AllocateUninitializedArray<byte>(Burst * GeneratedClients.MaxFrame, pinned: true);
    private readonly int[] _lengths = new int[Burst];
    private int _count;

    public string Name => name;

    public MacAddress Address => GeneratedClients.ServerMac;

    public int Mtu => clients is null ? 9000 : 1500;

    public LinkOffloads Offloads => LinkOffloads.Checksum | LinkOffloads.Tso;

    public int WaitDescriptor => -1;

    /// <summary>Frames that the stack has sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Room for the next frame; <see cref="Put"/> says how long it is.</summary>
    public Span<byte> Next => _frames.AsSpan(_count * GeneratedClients.MaxFrame, GeneratedClients.MaxFrame);

    public void Put(int length) => _lengths[_count++] = length;

    public int Receive(IFrameReceiver receiver, int limit)
    {
        int count = _count;
        _count = 0;
        for (int i = 0; count > 1 && i < count; i++)
        {
            receiver.Expect(_frames.AsSpan(i * GeneratedClients.MaxFrame, _lengths[i]));
        }

        for (int i = 0; i < count; i++)
        {
            receiver.OnFrame(this, new(ChecksumState.Verified, GsoType.None, 0), _frames.AsSpan(i * GeneratedClients.MaxFrame, _lengths[i]));
        }

        return count;
    }

    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        Sent++;
        if (clients is null || !EthernetHeader.TryParse(headers, out var ethernet))
        {
            return true;
        }

        if (ethernet.EtherType == EtherType.Ipv4)
        {
            clients.OnAnswer(headers);
        }
        else if (ArpPacket.TryParse(headers[EthernetHeader.Length..], out var arp) == DropReason.None
            && arp.Operation == ArpOperation.Request && arp.TargetAddress == GeneratedClients.Gateway && _count < Burst)
        {
            int length = new EthernetHeader(arp.SenderMac, GeneratedClients.GatewayMac, EtherType.Arp).Write(Next);
            length += new ArpPacket(ArpOperation.Reply, GeneratedClients.GatewayMac, arp.TargetAddress, arp.SenderMac, arp.SenderAddress)
                .Write(Next[length..]);
            Put(length);
        }

        return true;
    }

    public void Flush()
    {
    }

    public void Dispose()
    {
    }
}

using Baton.Director;
using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Bench.Memory;

/// <summary>A home's stack and directory without an engine: what each connection occupies in them is all that is new here.</summary>
internal sealed class StackAndDirector : IFrameReceiver
{
    private static readonly NodeId s_self = new(1);
    private static readonly Service s_service = new("http", GeneratedClients.Service, IpProtocol.Tcp, GeneratedClients.Port, s_self);

    private readonly NetworkStack _stack;
    private readonly FlowTable _flows;
    private readonly GeneratorLink _link;
    private readonly InterfaceId _interface;
    private readonly byte[] _scratch;
    private Instant _now = MonotonicClock.Now;
    private ulong _lastId;

    public StackAndDirector(GeneratedClients clients, GeneratorLink link)
    {
        _link = link;
        var key = new HashKey(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);
        _stack = new NetworkStack(new StackOptions
        {
            Keys = new StackKeys(key, key),
            OwnerAddress = InetAddress.Parse("192.0.2.1"),
            Limits = new StackLimits { Endpoints = clients.Count + 1, UnattachedEndpoints = clients.Count + 1 },
        });
        _interface = _stack.AddInterface(new InterfaceOptions
        {
            Name = "front",
            MacAddress = GeneratedClients.ServerMac,
            Addresses = [new InterfaceAddress(InetAddress.Parse("198.18.1.11"), 24)],
            Gateway = GeneratedClients.Gateway,
            ServiceAddresses = [GeneratedClients.Service],
            ChecksumOffload = true,
        });
        _flows = new FlowTable(s_self, key, clients.Count);
        _scratch = new byte[_stack.ScratchLength];
    }

    /// <summary>Connections whose handshake is complete and that have an application.</summary>
    public int Established { get; private set; }

    /// <summary>Takes what the generator has put in, and answers it.</summary>
    public void Run()
    {
        _now = MonotonicClock.Now;
        _link.Receive(this, GeneratorLink.Burst);
        while (_stack.TryTakeEvent(out var endpoint, out var events))
        {
            if ((events & EndpointEvents.Established) != 0)
            {
                _stack.Attach(endpoint, this, "idle");
                Established++;
            }
        }

        while (_stack.TryEmit(_now, _scratch, out var frame))
        {
            _link.TrySend(frame.Offload, frame.Headers, frame.Payload, frame.More);
        }
    }

    public void OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        if (!EthernetHeader.TryParse(frame, out var ethernet) || ethernet.EtherType == EtherType.Arp)
        {
            _stack.OnArp(_now, _interface, frame);
            return;
        }

        var bytes = frame[EthernetHeader.Length..];
        if (IpPacket.TryParse(bytes, out var layout) != DropReason.None || PacketFlow.TryRead(in layout, bytes, out var flow) != DropReason.None)
        {
            return;
        }

        var verdict = _flows.Decide(in flow);
        if (verdict.Kind == VerdictKind.Local && _stack.Find(ReferenceCodec.Id(verdict.Reference.Span)) is { } endpoint)
        {
            _stack.OnServicePacket(_now, endpoint, in layout, bytes, offload);
            return;
        }

        // The id is random in production, so that its hash spreads; here it need only be another each time.
        var id = new EndpointId(++_lastId * 0x9E37_79B9_7F4A_7C15);
        _stack.OnUnknown(_now, in layout, bytes, offload, s_service, id, out var created);
        if (created is not null)
        {
            _flows.TryAdd(created.Flow, s_self, created.Epoch, in created.Reference);
        }
    }
}

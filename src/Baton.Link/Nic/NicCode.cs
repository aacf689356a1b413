using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// What the parts of the program share: the places that they jump to and what lies where on the stack. Registers: R6 is
/// the context, R7 the packet's start, R8 the end of its first buffer, R9 the header being read; R0 to R5 are lost in
/// calls.
/// </summary>
internal sealed class NicCode(Assembler code, NicMaps maps, MacAddress address, int vlan)
{
    // The flow's key, which is also the key of an address (its first 16 bytes) and of the source (the next 16).
    public const int Key = -40, Local = Key, Remote = Key + 16, LocalPort = Key + 32, RemotePort = Key + 34, Protocol = Key + 36;

    // Numbers that are needed later, 32 bits each.
    public const int Index = -44, FrameLength = -48, TotalLength = -52, HeaderLength = -56, AddressKind = -60, IsSyn = -64;

    // What is handed up.
    public const int Metadata = -80, MetadataEpoch = Metadata + 4, MetadataId = Metadata + 8;

    // The parts' own.
    public const int SumPointer = -88, SumLength = -92, SumOffset = -96, SumSeed = -100, NextHop = -112, Source = -128, SynTime = -136;

    private readonly Dictionary<DropReason, Label> _drops = [];

    public Assembler Code { get; } = code;

    public NicMaps Maps { get; } = maps;

    public MacAddress Address { get; } = address;

    /// <summary>The VLAN whose frames are the program's; 0 for frames without a tag.</summary>
    public int Vlan { get; } = vlan;

    /// <summary>Where the IP header starts.</summary>
    public int IpOffset => EthernetHeader.Length + (Vlan == 0 ? 0 : VlanTag.Length);

    /// <summary>Not ours: the kernel's.</summary>
    public Label Kernel { get; } = new("kernel");

    /// <summary>Left to the host, which decides by its own tables.</summary>
    public Label Undecided { get; } = new("undecided");

    /// <summary>To the XDP socket with the metadata that is on the stack.</summary>
    public Label HandUp { get; } = new("hand up");

    /// <summary>Ports and protocol are in the key, R9 is at the transport header.</summary>
    public Label Transport { get; } = new("transport");

    /// <summary>R9 is at an ICMP header.</summary>
    public Label IcmpV4 { get; } = new("icmp");

    /// <summary>R9 is at an ICMPv6 header.</summary>
    public Label IcmpV6 { get; } = new("icmpv6");

    /// <summary>The key is complete: whose flow is it?</summary>
    public Label Lookup { get; } = new("lookup");

    /// <summary>R9 is at the UDP header of an encapsulated packet.</summary>
    public Label Encapsulated { get; } = new("encapsulated");

    /// <summary>R9 is at the flow's entry.</summary>
    public Label Forward { get; } = new("forward");

    public Label Ipv4 { get; } = new("ipv4");

    public Label Ipv6 { get; } = new("ipv6");

    public Label Arp { get; } = new("arp");

    /// <summary>Where a packet is dropped and counted.</summary>
    public Label Drop(DropReason reason)
    {
        if (!_drops.TryGetValue(reason, out var label))
        {
            _drops[reason] = label = new Label($"drop {reason}");
        }

        return label;
    }

    /// <summary>Hands a packet up, or says that it was: what, and whose.</summary>
    public void JumpUp(NicVerdict verdict)
    {
        Code.StoreConstant(Width.Word, R10, Metadata, (int)NicMetadata.Marked(verdict));
        Code.Jump(HandUp);
    }

    /// <summary>What is the address at <see cref="Local"/>? Its <see cref="NicAddressKind"/> is then in R1.</summary>
    public void LookUpAddress(Label notOurs)
    {
        var byHash = new Label("another address in the slot");
        var found = new Label("address found");
        Code.Load(Width.Word, R1, R10, Local + 12);
        Code.Move(R2, R1);
        Code.ShiftRight(R2, 16);
        Code.Xor(R1, R2);
        Code.And(R1, NicAddressSlot.Count - 1);
        KeepNumber(Index, R1);
        Code.Lookup(Maps.AddressSlots, Index, byHash);
        Code.Load(Width.Word, R1, R0, NicAddressSlot.KindOffset);
        Code.JumpIf(R1, When.Equal, 0, notOurs);
        for (int half = 0; half < 16; half += 8)
        {
            Code.Load(Width.Double, R2, R0, half);
            Code.Load(Width.Double, R3, R10, Local + half);
            Code.JumpIf(R2, When.NotEqual, R3, byHash);
        }

        Code.Jump(found);
        Code.Place(byHash);
        Code.Lookup(Maps.Addresses, Local, notOurs);
        Code.Load(Width.Word, R1, R0, 0);
        Code.Place(found);
    }

    /// <summary>Loads one of the numbers on the stack.</summary>
    public void LoadNumber(Register to, int place) => Code.Load(Width.Word, to, R10, place);

    /// <summary>Keeps a number on the stack.</summary>
    public void KeepNumber(int place, Register from) => Code.Store(Width.Word, R10, place, from);

    /// <summary>The places where packets are dropped.</summary>
    public void PlaceDrops()
    {
        var count = new Label("count and drop");
        foreach (var (reason, label) in _drops)
        {
            Code.Place(label);
            Code.StoreConstant(Width.Word, R10, Index, NicMaps.FirstDropCounter + (int)reason);
            Code.Jump(count);
        }

        Code.Place(count);
        CountIndex();
        Code.Return(XdpAction.Drop);
    }

    /// <summary>Adds one to the counter whose number is on the stack.</summary>
    public void CountIndex()
    {
        var missing = new Label("no counter");
        Code.Lookup(Maps.Counters, Index, missing);
        Code.AddOne();
        Code.Place(missing);
    }

    /// <summary>Counts a verdict.</summary>
    public void Count(NicVerdict verdict) => Code.Count(Maps.Counters, (int)verdict, Index);
}

using Baton.Bench.Machine;
using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Bench.Nic;

/// <summary>The NIC program's maps with so many flows, all of one owner's.</summary>
internal sealed class NicTable : IDisposable
{
    private static readonly MacAddress s_owner = new(0x02_00_00_00_00_02);

    public NicTable(int flows, VerdictKind kind)
        : this(flows, kind, NicBenchmark.Mac, s_owner, device: 0)
    {
    }

    /// <param name="flows">How many.</param>
    /// <param name="kind">What is to be done with their packets.</param>
    /// <param name="sender">The Ethernet address that forwarded frames come from.</param>
    /// <param name="owner">And where they go.</param>
    /// <param name="device">The interface that they leave by, in the map of devices; 0 for the one that they came by.</param>
    public NicTable(int flows, VerdictKind kind, MacAddress sender, MacAddress owner, uint device)
    {
        Flows = flows;
        Maps = new NicMaps(new NicLimits { Flows = flows, Endpoints = 1, SynSources = 1 });
        Maps.TryAddAddress(NicBenchmark.Service, NicAddressKind.Service);
        Maps.NextHops.TryWrite(2, NicNextHop.Of(sender, owner, InetAddress.Parse("192.0.2.1"), InetAddress.Parse("192.0.2.2"), 1700, device));
        const int chunk = 4096;
        var keys = new NicFlowKey[Math.Min(chunk, flows)];
        var values = new NicFlow[keys.Length];
        for (int first = 0; first < flows; first += keys.Length)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                var flow = DrawnPacket.FlowOf(first + i);
                var reference = DrawnPacket.ReferenceOf(first + i);
                keys[i] = NicFlowKey.Of(in flow);
                values[i] = NicFlow.Of(kind, new(2), new(1), in reference, 50_000);
            }

            if (Maps.Flows.WriteAll(keys, values) != keys.Length)
            {
                throw new BenchException("the NIC program's table took not all flows");
            }
        }
    }

    public int Flows { get; }

    public NicMaps Maps { get; }

    /// <summary>The program behind <see cref="DrawnPacket.Draw"/>.</summary>
    public IReadOnlyList<Instruction> Program(Action<Assembler> draw) => NicProgram.Assemble(Maps, NicBenchmark.Mac, before: draw);

    /// <summary>Loads the program for an interface with this Ethernet address.</summary>
    public BpfProgram Load(MacAddress address) => NicProgram.Load(Maps, address);

    /// <inheritdoc/>
    public void Dispose() => Maps.Dispose();
}

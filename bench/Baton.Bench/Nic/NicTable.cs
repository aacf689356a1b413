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
    {
        Flows = flows;
        Maps = new NicMaps(new NicLimits { Flows = flows, Endpoints = 1, SynSources = 1 });
        Maps.TryAddAddress(NicBenchmark.Service, NicAddressKind.Service);
        Maps.NextHops.TryWrite(2, NicNextHop.Of(NicBenchmark.Mac, s_owner, InetAddress.Parse("192.0.2.1"), InetAddress.Parse("192.0.2.2"), 1700, device: 0));
        const int chunk = 4096;
        var keys = new NicFlowKey[Math.Min(chunk, flows)];
        var values = new NicFlow[keys.Length];
        for (int first = 0; first < flows; first += keys.Length)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                var flow = new Flow(IpProtocol.Tcp, new(NicBenchmark.Service, 80, DrawnPacket.Client(first + i), 5353));
                var reference = ReferenceCodec.Encode(new Reference(
                    flow, new((ulong)(first + i) + 1), new(1), InetAddress.Parse("192.0.2.2"), 80, new SequenceGroup(new(1), new(2), new(3), new(4), new(5))));
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

    /// <inheritdoc/>
    public void Dispose() => Maps.Dispose();
}

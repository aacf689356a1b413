using System.Globalization;
using Baton.Bench.Machine;
using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Bench.Nic;

/// <summary>
/// What the NIC program costs for a packet, beside the least that forwarding with the same headers can cost, by
/// BPF_PROG_TEST_RUN. Each run is of a flow drawn at random; what drawing it costs is measured too and left out.
/// </summary>
internal static class NicBenchmark
{
    private const int QuickBatches = 61;
    private const int Batches = 401;
    private const int Growth = FloorProgram.HeadersLength - 14;

    private static readonly (string Name, int Flows)[] s_sizes = [("1", 1), ("1k", 1024), ("64k", 65_536), ("1m", 1 << 20)];

    public static MacAddress Mac { get; } = new(0x02_00_00_00_00_01);

    public static InetAddress Service { get; } = InetAddress.Parse("198.51.100.101");

    public static int Run(bool quick) => Cores.RunOn(Cores.Server, "nic", () => Measure(quick)).GetAwaiter().GetResult();

    private static int Measure(bool quick)
    {
        var owned = new List<IDisposable>();
        try
        {
            var programs = Load(owned);
            for (int i = 0; i < (quick ? QuickBatches : Batches); i++)
            {
                programs.ForEach(program => program.Run());
            }

            Report(programs);
            return 0;
        }
        finally
        {
            owned.ForEach(each => each.Dispose());
        }
    }

    private static List<Measured> Load(List<IDisposable> owned)
    {
        var established = Own(owned, new DrawnPacket(Mac, Service, TcpFlags.Ack));
        var others = Own(owned, new DrawnPacket(Mac, InetAddress.Parse("198.51.100.201"), TcpFlags.Ack));
        var syn = Own(owned, new DrawnPacket(Mac, Service, TcpFlags.Syn));
        var programs = new List<Measured>
        {
            Own(owned, new Measured("drop", Code(code => code.Return(XdpAction.Drop)), established.Template, XdpAction.Drop)),
        };

        void Add(string name, DrawnPacket packet, IReadOnlyList<Instruction> code, XdpAction expected) =>
            programs.Add(Own(owned, new Measured(name, code, packet.Template, expected)));

        foreach (var (name, flows) in s_sizes)
        {
            var floor = Own(owned, new FloorProgram(flows));
            var prints = Own(owned, new FingerprintTable(flows));
            var table = Own(owned, new NicTable(flows, VerdictKind.Forward));
            Add($"drawn_{name}", established, Code(code =>
            {
                established.Draw(code, flows);
                code.Return(XdpAction.Drop);
            }), XdpAction.Drop);
            Add($"lookup_{name}", established, Code(code =>
            {
                established.Draw(code, flows);
                floor.Emit(code, forwards: false);
            }), XdpAction.Pass);
            Add($"print_{name}", established, Code(code =>
            {
                established.Draw(code, flows);
                prints.Emit(code);
            }), XdpAction.Pass);
            Add($"floor_{name}", established, Code(code =>
            {
                established.Draw(code, flows, Growth);
                floor.Emit(code, forwards: true);
            }), XdpAction.Transmit);
            Add($"forward_{name}", established, table.Program(code => established.Draw(code, flows, Growth)), XdpAction.Transmit);
        }

        // Handed up: no socket is there in a test run, so what the program returns is what it says for that.
        var local = Own(owned, new NicTable(1, VerdictKind.Local));
        Add("local", established, local.Program(code => established.Draw(code, 1, marks: NicMetadata.Length)), XdpAction.Drop);
        var none = Own(owned, new NicTable(1, VerdictKind.Local));
        none.Maps.Flows.Remove(none.Maps.Flows.ReadAll()[0].Key);
        Add("syn", syn, none.Program(code => syn.Draw(code, 1, marks: NicMetadata.Length)), XdpAction.Drop);
        Add("other", others, local.Program(code => others.Draw(code, 1)), XdpAction.Pass);
        return programs;
    }

    private static void Report(List<Measured> programs)
    {
        var by = programs.ToDictionary(program => program.Name, program => program.Nanoseconds);
        double drop = by["drop"];
        double Net(string name)
        {
            string size = name.Contains('_', StringComparison.Ordinal) ? name[(name.IndexOf('_', StringComparison.Ordinal) + 1)..] : "1";
            return by[name] - (by[$"drawn_{size}"] - drop);
        }

        Print($"{"flows",10}{"parse, lookup",15}{"by print",10}{"floor",10}{"forward",10}{"of floor",10}   ns a packet");
        foreach (var (name, flows) in s_sizes)
        {
            Print($"{flows,10}{Net($"lookup_{name}"),15:F1}{Net($"print_{name}"),10:F1}{Net($"floor_{name}"),10:F1}{Net($"forward_{name}"),10:F1}{Net($"forward_{name}") / Net($"floor_{name}"),10:F2}");
        }

        Print($"local {Net("local"):F1}, SYN of a new flow {Net("syn"):F1}, not ours {Net("other"):F1}, XDP_DROP {drop:F1} ns; drawing a flow, left out, {by["drawn_1"] - drop:F1} ns");
        Print($"figures: forward_1={Net("forward_1"):F0} forward_64k={Net("forward_64k"):F0} forward_1m={Net("forward_1m"):F0} local={Net("local"):F0} other={Net("other"):F0} drop={drop:F0} floor_1={Net("floor_1"):F0} floor_64k={Net("floor_64k"):F0} floor_1m={Net("floor_1m"):F0}");
    }

    private static IReadOnlyList<Instruction> Code(Action<Assembler> emit)
    {
        var code = new Assembler();
        emit(code);
        return code.Assemble();
    }

    private static T Own<T>(List<IDisposable> owned, T each)
        where T : IDisposable
    {
        owned.Add(each);
        return each;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

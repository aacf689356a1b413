using System.Globalization;
using Baton.Bench.Machine;
using Baton.Bench.Nic;
using Baton.Link;
using Baton.Link.Bpf;
using Baton.Wire;

namespace Baton.Bench.Wire;

/// <summary>
/// Real frames of 60 bytes of 65,536 flows over cables between namespaces: forwarded by the NIC program beside a program that
/// only sends them back; received and forwarded by XDP sockets beside a bare loop; and what is left when more comes than that.
/// The generator has one core, what it measures is on the other.
/// </summary>
internal static class WireBenchmark
{
    public const double Million = 1e6;

    private const int Flows = 65_536;

    public static int Run(bool quick)
    {
        using var network = new WireNetwork();
        using var frames = new LiveFrames(network.Client, "wire", network.Front.Address, Flows);
        return Cores.RunOn(Cores.Server, "wire", () =>
        {
            Cores.Hurry(0);
            var figures = new List<string>();
            figures.AddRange(Programs(network, frames, quick ? 3 : 15));
            figures.AddRange(Sockets(network, frames, quick ? 1 : 3));
            Print($"figures: {string.Join(' ', figures)}");
            return 0;
        }).GetAwaiter().GetResult();
    }

    public static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>In turn, on the generator's core, where the kernel runs them.</summary>
    private static List<string> Programs(WireNetwork network, LiveFrames frames, int rounds)
    {
        using var devices = new BpfMap<uint, uint>(BpfMapKind.Devices, "bench_devices", 8);
        NetworkNamespace.Run(network.Node, () => devices.TryWrite(1, (uint)network.Lan.Index));
        using var reflect = WirePrograms.Reflect();
        using var redirect = WirePrograms.Redirect(devices);
        using var floorTable = new FloorProgram(Flows);
        using var floor = WirePrograms.Floor(floorTable);
        using var placesTable = new FloorProgram(Flows, knowsPlaces: true);
        using var places = WirePrograms.Floor(placesTable);
        using var back = new NicTable(Flows, VerdictKind.Forward, network.Front.Address, DrawnPacket.Source, device: 0);
        using var away = new NicTable(Flows, VerdictKind.Forward, network.Lan.Address, network.Owner.Address, device: 1);
        NetworkNamespace.Run(network.Node, () => away.Maps.Devices.TryWrite(1, (uint)network.Lan.Index));
        using var forwardBack = back.Load(network.Front.Address);
        using var forwardAway = away.Load(network.Front.Address);
        using var fewFrames = new LiveFrames(network.Client, "wire", network.Front.Address, flows: 1);
        (string Name, BpfProgram Program, LiveFrames Frames)[] programs =
        [
            ("sent back as they are (XDP_TX)", reflect, frames),
            ("least of forwarding, sent back", floor, frames),
            ("the same, every flow's place known", places, frames),
            ("forwarded, sent back", forwardBack, frames),
            ("forwarded, sent back, one flow", forwardBack, fewFrames),
            ("sent on to the lan as they are", redirect, frames),
            ("forwarded to the lan", forwardAway, frames),
        ];
        double[][] rates = [.. programs.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < programs.Length; i++)
            {
                using var attached = network.Attach(programs[i].Program, "front", network.Front.Index);
                rates[i][round] = programs[i].Frames.While(0, () => Window.RateOf(() => network.Arrived));
            }
        }

        Print($"{"one core, generator included",-34}{"M/s",8}{"ns",8}");
        double[] medians = [.. rates.Select(each => Statistics.Median(each))];
        for (int i = 0; i < programs.Length; i++)
        {
            Print($"{programs[i].Name,-34}{medians[i] / Million,8:F2}{1e9 / medians[i],8:F0}");
        }

        double Ratio(int program, int other) => Statistics.Median(rates[program].Zip(rates[other], (left, right) => left / right));
        return
        [
            FormattableString.Invariant($"forward_vs_reflect={Ratio(3, 0):F2}"), FormattableString.Invariant($"forward_vs_floor={Ratio(3, 1):F2}"),
            FormattableString.Invariant($"lan_vs_redirect={Ratio(6, 5):F2}"),
        ];
    }

    private static List<string> Sockets(WireNetwork network, LiveFrames frames, int rounds)
    {
        (string Name, Func<IWireReceiver> Open)[] receivers =
        [
            ("bare loop, receives", () => new BareLoop(network, forwards: false)),
            ("link, receives", () => new LinkLoop(OpenLink(network), forwards: false)),
            ("bare loop, sends back", () => new BareLoop(network, forwards: true)),
            ("link, sends back", () => new LinkLoop(OpenLink(network), forwards: true)),
            ("node, forwards", () => new NodeLoop(network, Flows)),
        ];
        var measured = Array.ConvertAll(receivers, _ => new List<Capacity>());
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < receivers.Length; i++)
            {
                using var receiver = receivers[i].Open();
                measured[i].Add(Capacity.Measure(frames, receiver));
            }
        }

        Print($"{"M/s, a core for the receiver",-34}{"most",8}{"no loss",9}{"offered",9}{"goodput",9}{"of most",9}");
        foreach (var (receiver, of) in receivers.Zip(measured))
        {
            double Median(Func<Capacity, double> value) => Statistics.Median(of.Select(value)) / Million;
            Print($"{receiver.Name,-34}{Median(each => each.Most),8:F2}{Median(each => each.WithoutLoss),9:F2}{Median(each => each.Offered),9:F2}{Median(each => each.Goodput),9:F2}{Kept(of),9:F2}");
        }

        double Ratio(int receiver, int other) => Statistics.Median(measured[receiver].Zip(measured[other], (left, right) => left.Most / right.Most));
        return
        [
            FormattableString.Invariant($"receive_vs_bare={Ratio(1, 0):F2}"), FormattableString.Invariant($"send_back_vs_bare={Ratio(3, 2):F2}"),
            FormattableString.Invariant($"node_vs_bare={Ratio(4, 2):F2}"), FormattableString.Invariant($"overload_bare={Kept(measured[2]):F2}"),
            FormattableString.Invariant($"overload_link={Kept(measured[3]):F2}"), FormattableString.Invariant($"overload_node={Kept(measured[4]):F2}"),
        ];
    }

    private static double Kept(List<Capacity> measured) => Statistics.Median(measured.Select(each => each.Goodput / each.Most));

    private static XdpLink OpenLink(WireNetwork network) => XdpLink.Open(new() { Name = "front", Namespace = network.Node });
}

using Baton.Bench.Machine;
using Baton.Link.Bpf;

namespace Baton.Bench.Nic;

/// <summary>A program whose time for a packet is taken again and again, in turn with others'.</summary>
internal sealed class Measured : IDisposable
{
    private const int Runs = 65_536;
    private readonly BpfProgram _program;
    private readonly byte[] _packet;
    private readonly List<double> _times = [];

    /// <param name="name">For the table.</param>
    /// <param name="code">The program.</param>
    /// <param name="packet">What the first run is given.</param>
    /// <param name="expected">What it must return.</param>
    public Measured(string name, IReadOnlyList<Instruction> code, ReadOnlySpan<byte> packet, XdpAction expected)
    {
        Name = name;
        _packet = packet.ToArray();
        _program = BpfProgram.Load("baton_bench", code, multiBuffer: true);

        // After one run and after some, so that what is measured is what is meant.
        foreach (int runs in (int[])[1, 2, 17])
        {
            var run = _program.Run(_packet, runs);
            if (run.Action != expected)
            {
                throw new BenchException($"{name}: after {runs} runs the program returns {run.Action}, not {expected}");
            }
        }
    }

    public string Name { get; }

    /// <summary>Nanoseconds a packet: the median of all batches.</summary>
    public double Nanoseconds => Statistics.Median(_times);

    /// <summary>One batch; the kernel takes the time, without what a call of its own costs.</summary>
    public void Run()
    {
        _times.Add(_program.Run(_packet, Runs).Nanoseconds);
    }

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();
}

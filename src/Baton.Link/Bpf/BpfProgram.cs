using System.Text;

namespace Baton.Link.Bpf;

/// <summary>What a program did with a packet in a test run.</summary>
/// <param name="Action">What it returned.</param>
/// <param name="Packet">The packet afterwards.</param>
/// <param name="Metadata">What it put in front of the packet.</param>
/// <param name="Nanoseconds">How long it took, on average of all repetitions.</param>
internal sealed record XdpRun(XdpAction Action, byte[] Packet, byte[] Metadata, uint Nanoseconds);

/// <summary>An XDP program in the kernel.</summary>
internal sealed class BpfProgram : IDisposable
{
    private const int LogLength = 1 << 20;
    private const int HeadroomLength = 256;
    private const int ContextLength = 24;

    private readonly BpfDescriptor _descriptor;
    private readonly byte[] _result = new byte[64 * 1024 + HeadroomLength];

    private BpfProgram(string name, BpfDescriptor descriptor)
    {
        Name = name;
        _descriptor = descriptor;
    }

    /// <summary>As <c>bpftool prog</c> shows it.</summary>
    public string Name { get; }

    /// <summary>The descriptor by which it is attached.</summary>
    public int Descriptor => _descriptor.Value;

    /// <summary>Loads a program, which the kernel verifies.</summary>
    /// <param name="name">Up to 15 letters, digits and underscores.</param>
    /// <param name="code">The program.</param>
    /// <param name="multiBuffer">Whether it is for packets in several buffers, of which it sees the first.</param>
    /// <exception cref="LinkException">It is not loaded; when the verifier refused it, the message ends with the verifier's log.</exception>
    public static BpfProgram Load(string name, IReadOnlyList<Instruction> code, bool multiBuffer = false)
    {
        const uint hasFragments = 32;
        ulong[] encoded = [.. code.Select(instruction => instruction.Encoded)];
        uint flags = multiBuffer ? hasFragments : 0;
        string problem = $"The program {name} could not be loaded";
        int descriptor = BpfCalls.LoadProgram(encoded, name, flags, default);
        if (descriptor >= 0)
        {
            return new BpfProgram(name, new BpfDescriptor(descriptor, problem));
        }

        // Once more for the log, which costs time and is needed only now.
        int error = Syscalls.LastError;
        byte[] log = new byte[LogLength];
        descriptor = BpfCalls.LoadProgram(encoded, name, flags, log);
        if (descriptor >= 0)
        {
            return new BpfProgram(name, new BpfDescriptor(descriptor, problem));
        }

        string text = Encoding.UTF8.GetString(log.AsSpan(0, Math.Max(0, log.AsSpan().IndexOf((byte)0))));
        throw text.Length == 0
            ? BpfDescriptor.Refused(problem, error)
            : new LinkException($"{problem}: {Syscalls.Describe(error)}. The verifier says:\n{text}", error: error);
    }

    /// <summary>
    /// Runs the program on a packet that is nowhere else (BPF_PROG_TEST_RUN): as if it had come by an interface of this
    /// namespace's loopback.
    /// </summary>
    /// <param name="packet">At least an Ethernet header, at most a page less its headroom unless the program is for several buffers.</param>
    /// <param name="repeat">How often, for who measures: the packet is not restored in between.</param>
    public XdpRun Run(ReadOnlySpan<byte> packet, int repeat = 1)
    {
        // struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
        Span<byte> context = stackalloc byte[ContextLength];
        Span<byte> contextAfter = stackalloc byte[ContextLength];
        context.Clear();
        contextAfter.Clear();
        BitConverter.TryWriteBytes(context[4..], packet.Length);
        int length = 0;
        int done = BpfCalls.TestRun(Descriptor, repeat, packet, _result, ref length, context, contextAfter, out int action, out uint nanoseconds);
        if (done < 0)
        {
            int error = Syscalls.LastError;
            throw new LinkException($"The program {Name} could not be run on a packet of {packet.Length} bytes: {Syscalls.Describe(error)}.", error: error);
        }

        int metadata = BitConverter.ToInt32(contextAfter);
        return new XdpRun((XdpAction)action, _result[metadata..length], _result[..metadata], nanoseconds);
    }

    /// <summary>Closes it; it is gone from the kernel when it is attached nowhere.</summary>
    public void Dispose() => _descriptor.Dispose();
}

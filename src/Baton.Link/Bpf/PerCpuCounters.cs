namespace Baton.Link.Bpf;

/// <summary>Counters of 64 bits that programs add to, each processor in its own copy; a read sums the copies.</summary>
internal sealed unsafe class PerCpuCounters : IBpfMap
{
    private readonly BpfDescriptor _descriptor;
    private readonly ulong[] _copies = new ulong[PossibleProcessors()];

    /// <summary>Makes the map.</summary>
    /// <exception cref="LinkException">The kernel refuses; the message says what mends it.</exception>
    public PerCpuCounters(string name, int count)
    {
        Count = count;
        _descriptor = new BpfDescriptor(
            BpfCalls.CreateMap(BpfMapKind.PerCpuArray, sizeof(uint), sizeof(ulong), count, name), $"The map {name} could not be made");
    }

    /// <summary>How many counters there are.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public int Descriptor => _descriptor.Value;

    /// <summary>The sum of a counter's copies.</summary>
    public long this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            uint key = (uint)index;
            lock (_copies)
            {
                fixed (ulong* first = _copies)
                {
                    if (BpfCalls.Lookup(Descriptor, &key, first) < 0)
                    {
                        throw new LinkException($"Counter {index} could not be read: {Syscalls.Describe(Syscalls.LastError)}.", error: Syscalls.LastError);
                    }
                }

                ulong sum = 0;
                foreach (ulong copy in _copies)
                {
                    sum += copy;
                }

                return (long)sum;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    /// <summary>The kernel writes a copy for each processor that could ever be there, like 0-127, on line or not.</summary>
    private static int PossibleProcessors()
    {
        string possible = File.ReadAllText("/sys/devices/system/cpu/possible").Trim();
        return int.Parse(possible[(possible.LastIndexOfAny(['-', ',']) + 1)..], System.Globalization.CultureInfo.InvariantCulture) + 1;
    }
}

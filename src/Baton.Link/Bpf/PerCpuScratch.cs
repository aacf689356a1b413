namespace Baton.Link.Bpf;

/// <summary>Memory of one entry, each processor with a copy of its own, in which programs work.</summary>
internal sealed class PerCpuScratch : IBpfMap
{
    private readonly BpfDescriptor _descriptor;

    /// <summary>Makes the map.</summary>
    /// <exception cref="LinkException">The kernel refuses; the message says what mends it.</exception>
    public PerCpuScratch(string name, int length)
    {
        _descriptor = new BpfDescriptor(
            BpfCalls.CreateMap(BpfMapKind.PerCpuArray, sizeof(uint), length, 1, name), $"The map {name} could not be made");
    }

    /// <inheritdoc/>
    public int Descriptor => _descriptor.Value;

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();
}

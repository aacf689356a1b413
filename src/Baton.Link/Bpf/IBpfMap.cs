namespace Baton.Link.Bpf;

/// <summary>A map of the kernel, as programs refer to it.</summary>
internal interface IBpfMap : IDisposable
{
    /// <summary>The descriptor by which a program that is loaded names it.</summary>
    int Descriptor { get; }
}

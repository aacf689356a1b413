namespace Baton.Link.Bpf;

/// <summary>Kinds of maps, by their numbers in <c>include/uapi/linux/bpf.h</c>.</summary>
internal enum BpfMapKind
{
    Hash = 1,
    Array = 2,
    PerCpuArray = 6,
    LruHash = 9,
    Devices = 14,
    XdpSockets = 17,
}

using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// One interface with the NIC program on it: what the program knows, and what it says. An <see cref="XdpLink"/> that is
/// opened with it, or the first of several, loads the program.
/// </summary>
public sealed class NicInterface : IDisposable
{
    internal NicInterface(NicLimits limits) => Maps = new NicMaps(limits);

    /// <summary>Whether a link has loaded the program.</summary>
    public bool IsAttached => Index != 0;

    /// <summary>What the program says of the frames of each queue that has a link, the first link's first; empty before they are open.</summary>
    public IReadOnlyList<NicQueue> Queues { get; internal set; } = [];

    internal NicMaps Maps { get; }

    /// <summary>The interface's number in its network namespace; 0 before a link has loaded the program.</summary>
    internal int Index { get; set; }

    /// <summary>Its network namespace, by name or path; null for the process's own.</summary>
    internal string? Namespace { get; set; }

    /// <summary>The VLAN whose frames the program reads; 0 for frames without a tag.</summary>
    internal int Vlan { get; set; }

    /// <summary>Packets of a verdict.</summary>
    public long Count(NicVerdict verdict) => Maps.Count(verdict);

    /// <summary>Packets that the program dropped for a reason.</summary>
    public long Count(DropReason reason) => Maps.Count(reason);

    /// <inheritdoc/>
    public void Dispose() => Maps.Dispose();
}

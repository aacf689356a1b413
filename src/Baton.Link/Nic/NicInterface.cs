using Baton.Link.Nic;
using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// One interface with the NIC program on it: what the program knows, and what it says. An <see cref="XdpLink"/> that is
/// opened with it loads the program.
/// </summary>
public sealed class NicInterface : IDisposable
{
    internal NicInterface(NicLimits limits) => Maps = new NicMaps(limits);

    /// <summary>Whether a link has loaded the program.</summary>
    public bool IsAttached => Index != 0;

    /// <summary>
    /// What the program said of the frame that the link hands over: for the receiver, during the call; null when it said
    /// nothing, or the frame was kept back on its way from the link.
    /// </summary>
    public NicMark? Mark { get; internal set; }

    internal NicMaps Maps { get; }

    /// <summary>The interface's number in its network namespace; 0 before a link has loaded the program.</summary>
    internal int Index { get; set; }

    /// <summary>Its network namespace, by name or path; null for the process's own.</summary>
    internal string? Namespace { get; set; }

    /// <summary>Packets of a verdict.</summary>
    public long Count(NicVerdict verdict) => Maps.Count(verdict);

    /// <summary>Packets that the program dropped for a reason.</summary>
    public long Count(DropReason reason) => Maps.Count(reason);

    /// <inheritdoc/>
    public void Dispose() => Maps.Dispose();
}

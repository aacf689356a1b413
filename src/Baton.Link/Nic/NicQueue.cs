using System.Runtime.CompilerServices;

namespace Baton.Link;

/// <summary>What the NIC program says of the frames of one queue; used by the thread that has the queue's link.</summary>
public sealed class NicQueue
{
#pragma warning disable CS0169, IDE0051, IDE0044, CA1823 // Another queue's lies on another cache line.
    private CacheLine _before;
#pragma warning restore CS0169, IDE0051, IDE0044, CA1823

    /// <summary>
    /// What the program said of the frame that the link hands over: for the receiver, during the call; null when it said
    /// nothing, or the frame was kept back on its way from the link.
    /// </summary>
    public NicMark? Mark { get; internal set; }

    [InlineArray(64)]
    private struct CacheLine
    {
        private byte _first;
    }
}

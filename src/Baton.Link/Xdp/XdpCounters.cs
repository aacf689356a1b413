namespace Baton.Link;

/// <summary>What an <see cref="XdpLink"/> carried and dropped.</summary>
public sealed class XdpCounters
{
    /// <summary>Frames given to the stack.</summary>
    public long Received { get; internal set; }

    /// <summary>Frames put into the send ring.</summary>
    public long Sent { get; internal set; }

    /// <summary>Times the send ring had no room for a frame.</summary>
    public long Full { get; internal set; }

    /// <summary>Frames longer than the MTU, or to be cut, which this link does not do: dropped.</summary>
    public long Refused { get; internal set; }

    /// <summary>Frames that the kernel had no memory of ours for, or no room in the ring; as of the last time that it was asked, which is when nothing waits.</summary>
    public long Missed { get; internal set; }

    /// <summary>Frames received without an Ethernet header, or longer than 64 KiB: dropped.</summary>
    public long Malformed { get; internal set; }
}

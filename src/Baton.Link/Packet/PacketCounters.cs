namespace Baton.Link;

/// <summary>What a <see cref="PacketLink"/> carried and dropped.</summary>
public sealed class PacketCounters
{
    /// <summary>Frames given to the stack.</summary>
    public long Received { get; internal set; }

    /// <summary>Frames the kernel took.</summary>
    public long Sent { get; internal set; }

    /// <summary>Times the kernel had no room for a frame.</summary>
    public long Full { get; internal set; }

    /// <summary>Frames the interface's queue dropped, or that the kernel refused (interface down, longer than its MTU).</summary>
    public long Refused { get; internal set; }

    /// <summary>Frames received with a header that contradicts them: dropped.</summary>
    public long Malformed { get; internal set; }
}

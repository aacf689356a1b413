namespace Baton.Engine;

/// <summary>What went which way. See <see cref="EngineCounters"/>.</summary>
internal sealed class PathCounters
{
    public long FrontFramesIn { get; set; }

    public long FrontFramesOut { get; set; }

    public long LanFramesIn { get; set; }

    public long LanFramesOut { get; set; }

    public long Local { get; set; }

    public long Forwarded { get; set; }

    public long ForwardedByTombstone { get; set; }

    /// <summary>Packets forwarded by a home that has just given its address away.</summary>
    public long ForwardedAfterMove { get; set; }

    public long Decapsulated { get; set; }

    /// <summary>Packets held by endpoints that are not here any more.</summary>
    public long Held { get; set; }

    public long Created { get; set; }

    public long Closed { get; set; }
}

using Baton.Wire;

namespace Baton.Engine;

/// <summary>A drain under way.</summary>
internal sealed class DrainJob(int total, Action<DrainProgress> onProgress)
{
    private const int MaxOutstanding = 64;

    /// <summary>Endpoints that were found and not yet asked to move.</summary>
    public Queue<EndpointRecord> Waiting { get; } = new();

    /// <summary>Whether the next endpoint may be asked.</summary>
    public bool HasRoom => Waiting.Count > 0 && Outstanding < MaxOutstanding;

    public int Total { get; } = total;

    public int Moved { get; set; }

    public int Closed { get; set; }

    public int Failed { get; set; }

    /// <summary>Moves asked for and not ended.</summary>
    public int Outstanding { get; set; }

    /// <summary>Ended: nothing is left, or it was cancelled.</summary>
    public bool IsOver { get; set; }

    /// <summary>When the last address had gone; what is under way still comes here for a moment.</summary>
    public Instant? AddressesGone { get; set; }

    public void Report(int remaining, int addresses) => onProgress(new(Total, Moved, Closed, Failed, remaining, addresses));
}

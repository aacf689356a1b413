using Baton.Wire;

namespace Baton.Engine;

/// <summary>A drain under way: of a shard's endpoints, and in the first shard of the whole node.</summary>
internal sealed class DrainJob(int total, int others, Action<DrainProgress> onProgress)
{
    private const int MaxOutstanding = 64;

    /// <summary>Endpoints that were found and not yet asked to move.</summary>
    public Queue<EndpointRecord> Waiting { get; } = new();

    /// <summary>Whether the next endpoint may be asked.</summary>
    public bool HasRoom => Waiting.Count > 0 && Outstanding < MaxOutstanding;

    public int Total { get; } = total;

    /// <summary>What the other shards last told of theirs; null for one that has not begun.</summary>
    public DrainProgress?[] Others { get; } = new DrainProgress?[others];

    /// <summary>Whether nothing is left in the other shards.</summary>
    public bool OthersAreEmpty => Array.TrueForAll(Others, static other => other is { Remaining: 0 });

    public int Moved { get; set; }

    public int Closed { get; set; }

    public int Failed { get; set; }

    /// <summary>Moves asked for and not ended.</summary>
    public int Outstanding { get; set; }

    /// <summary>Ended: nothing is left, or it was cancelled.</summary>
    public bool IsOver { get; set; }

    /// <summary>Ended before its end.</summary>
    public bool IsCalledOff { get; set; }

    /// <summary>When the last address had gone; what is under way still comes here for a moment.</summary>
    public Instant? AddressesGone { get; set; }

    public void Report(int remaining, int addresses) => onProgress(new(
        Total + Others.Sum(other => other?.Total ?? 0),
        Moved + Others.Sum(other => other?.Moved ?? 0),
        Closed + Others.Sum(other => other?.Closed ?? 0),
        Failed + Others.Sum(other => other?.Failed ?? 0),
        remaining + Others.Sum(other => other?.Remaining ?? 0),
        addresses));
}

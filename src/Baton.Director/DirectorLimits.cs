namespace Baton.Director;

/// <summary>What bounds a director; each protects its node's memory.</summary>
public sealed record DirectorLimits
{
    /// <summary>The most flows in the directory: about 200 bytes each when used.</summary>
    public int MaxFlows { get; init; } = 262_144;

    /// <summary>The most tombstones: about 150 bytes each. The oldest goes when one more is needed.</summary>
    public int MaxTombstones { get; init; } = 16_384;

    /// <summary>How long a tombstone forwards late packets: longer than a packet lives in the lan and in queues.</summary>
    public TimeSpan TombstoneForwards { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it then drops silently before it goes.</summary>
    public TimeSpan TombstoneSilent { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Every limit that makes no sense, as a message that says what to write instead.</summary>
    public IEnumerable<string> Errors()
    {
        if (MaxFlows is < 1 or > 1 << 28)
        {
            yield return $"limits: maxFlows is {MaxFlows}; write a number from 1 to {1 << 28}.";
        }

        if (MaxTombstones is < 1 or > 1 << 24)
        {
            yield return $"limits: maxTombstones is {MaxTombstones}; write a number from 1 to {1 << 24}.";
        }

        if (TombstoneForwards < TimeSpan.Zero || TombstoneSilent < TimeSpan.Zero)
        {
            yield return "limits: a tombstone's times may not be negative; write 0 or more.";
        }
    }
}

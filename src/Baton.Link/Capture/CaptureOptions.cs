using Baton.Wire;

namespace Baton.Link;

/// <summary>How a link is captured.</summary>
public sealed record CaptureOptions
{
    /// <summary>The file to write; one that exists is replaced.</summary>
    public required string Path { get; init; }

    /// <summary>Most bytes kept of each frame; 0 for all.</summary>
    public int SnapLength { get; init; } = 160;

    /// <summary>Bytes that may wait to be written; what comes on top is dropped and counted. Rounded up to a power of two.</summary>
    public int RingBytes { get; init; } = 32 << 20;

    /// <summary>
    /// Whether a frame waits for room in the ring instead of being dropped: nothing is missing in the file, and the link
    /// is no faster than the disk.
    /// </summary>
    public bool WaitsForRoom { get; init; }

    /// <summary>
    /// The clock of the frames' times, counted from 1970; null for the machine's time of day, taken once at the start and
    /// carried on by the monotonic clock, so that times never go back.
    /// </summary>
    public Func<Instant>? Clock { get; init; }
}

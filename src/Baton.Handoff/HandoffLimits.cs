namespace Baton.Handoff;

/// <summary>
/// Everything a <see cref="HandoffAgent"/> keeps is bounded by these. The defaults protect a node of 10 GiB: at most
/// 256 MiB wait in embryos' buffers, whoever the sources are.
/// </summary>
public sealed record HandoffLimits
{
    /// <summary>Longest message in bytes, header included; the channel's frame must take it.</summary>
    public const int MaxMessageBytes = 64 * 1024;

    /// <summary>Payload bytes of one PRECOPY or STATE message.</summary>
    public const int ChunkBytes = 60 * 1024;

    /// <summary>Longest buffer in bytes that is kept for the next handoff; a longer one is made anew.</summary>
    public const int MaxKeptBufferBytes = 8 * 1024 * 1024;

    /// <summary>Buffers of each size, a power of two, that are kept: 32 MiB in all sizes together.</summary>
    public const int KeptBuffers = 2;

    /// <summary>Longest application name in bytes of UTF-8.</summary>
    public const int MaxApplicationNameBytes = 255;

    /// <summary>Longest <see cref="HandoffRequest.Options"/> in bytes.</summary>
    public const int MaxOptionsBytes = 1024;

    /// <summary>Longest residue of a connection in TIME-WAIT in bytes.</summary>
    public const int MaxResidueBytes = 64;

    /// <summary>Longest held packet in bytes: a super-frame as a link with offloads gives it.</summary>
    public const int MaxHeldPacketBytes = 128 * 1024;

    /// <summary>The defaults.</summary>
    public static HandoffLimits Default { get; } = new();

    /// <summary>Handoffs away from this node at once.</summary>
    public int MaxSourceHandoffs { get; init; } = 4096;

    /// <summary>Handoffs to this node at once.</summary>
    public int MaxTargetHandoffs { get; init; } = 4096;

    /// <summary>Longest STATE in bytes: precopied stream, image, context and held packets.</summary>
    public int MaxStateBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Bytes of memory taken for STATE and PRECOPY of all handoffs to this node together.</summary>
    public long MaxBufferedBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Longest application context in bytes.</summary>
    public int MaxContextBytes { get; init; } = 1024 * 1024;

    /// <summary>Held packets that travel in one STATE.</summary>
    public int MaxHeldPackets { get; init; } = 4096;

    /// <summary>Ended handoffs remembered, so that a repeated question gets the same answer.</summary>
    public int MaxRemembered { get; init; } = 4096;

    /// <summary>CLOSED messages that wait for their acknowledgment; and as many connections in TIME-WAIT that wait for their home to take them.</summary>
    public int MaxPendingClosed { get; init; } = 65536;

    /// <summary>How long an endpoint may be frozen before the source asks the home for an abort.</summary>
    public TimeSpan FreezeBudget { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How long the source, still serving, waits for PREPARED and precopies before it gives up.</summary>
    public TimeSpan PrepareTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a source may not have heard a target that was the home, and was started anew, for that home to decide: after longer,
    /// the target may have gone on with the endpoint, and given it away.
    /// </summary>
    public TimeSpan DecidedUnheard { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a source then waits for the target's word before the endpoint ends.</summary>
    public TimeSpan TargetsWord { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>How long a tombstone forwards late packets.</summary>
    public TimeSpan TombstoneForwarding { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a tombstone then drops them silently.</summary>
    public TimeSpan TombstoneSilence { get; init; } = TimeSpan.FromSeconds(60);
}

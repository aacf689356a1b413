namespace Baton.Link;

/// <summary>Which way a frame passed a captured link, as seen by the stack; the values are those of pcapng's epb_flags.</summary>
public enum CaptureDirection : byte
{
    /// <summary>The file does not say.</summary>
    Unknown = 0,

    /// <summary>Received.</summary>
    Inbound = 1,

    /// <summary>Sent.</summary>
    Outbound = 2,
}

/// <summary>One frame of a capture file.</summary>
/// <param name="Interface">The number of its interface within the file's section.</param>
/// <param name="TimeNanoseconds">Nanoseconds since 1970-01-01 UTC, or of virtual time.</param>
/// <param name="OriginalLength">Bytes of the frame as it passed.</param>
/// <param name="Direction">Which way it passed.</param>
/// <param name="Data">Its captured bytes, valid until the next frame is read.</param>
public readonly record struct CapturedFrame(
    int Interface,
    long TimeNanoseconds,
    int OriginalLength,
    CaptureDirection Direction,
    ReadOnlyMemory<byte> Data);

/// <summary>What a capture saw, and what of it is missing in the file.</summary>
/// <param name="Frames">Frames that passed.</param>
/// <param name="Dropped">Frames of these that the file lacks, because its ring was full.</param>
/// <param name="Bytes">Bytes that passed.</param>
public readonly record struct CaptureStatistics(long Frames, long Dropped, long Bytes);

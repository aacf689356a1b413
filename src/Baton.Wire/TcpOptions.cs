namespace Baton.Wire;

/// <summary>A range of bytes received out of order (RFC 2018 §3): from <paramref name="Left"/> up to but not including <paramref name="Right"/>.</summary>
/// <param name="Left">First number of the range.</param>
/// <param name="Right">The number after its last.</param>
public readonly record struct SackBlock(SeqNum Left, SeqNum Right);

/// <summary>
/// The options of a TCP header that the stack knows: MSS (RFC 9293), window scale and timestamps (RFC 7323), SACK
/// (RFC 2018), Fast Open cookie (RFC 7413). Others are skipped.
/// </summary>
public record struct TcpOptions
{
    /// <summary>Most SACK blocks a header can hold.</summary>
    public const int MaxSackBlocks = 4;

    /// <summary>Bytes that options may fill.</summary>
    public const int MaxLength = 40;

    private SackBlock _sack0;
    private SackBlock _sack1;
    private SackBlock _sack2;
    private SackBlock _sack3;

    /// <summary>Maximum segment size in bytes, or null.</summary>
    public ushort? Mss { get; set; }

    /// <summary>Window shift count, 0 to 14 (RFC 7323 §2.3: larger is taken as 14), or null.</summary>
    public byte? WindowScale { get; set; }

    /// <summary>Whether SACK is permitted; SYNs only.</summary>
    public bool SackPermitted { get; set; }

    /// <summary>Whether <see cref="TimestampValue"/> and <see cref="TimestampEcho"/> are there.</summary>
    public bool HasTimestamps { get; set; }

    /// <summary>TSval: the sender's clock.</summary>
    public uint TimestampValue { get; set; }

    /// <summary>TSecr: the clock value answered to.</summary>
    public uint TimestampEcho { get; set; }

    /// <summary>Whether <see cref="FastOpen"/> is there; SYNs only.</summary>
    public bool HasFastOpen { get; set; }

    /// <summary>The Fast Open cookie; one without bytes asks for a cookie (RFC 7413 §4.1.1).</summary>
    public FastOpenCookie FastOpen { get; set; }

    /// <summary>SACK blocks present, 0 to 4.</summary>
    public byte SackCount { get; private set; }

    /// <summary>The SACK block at <paramref name="index"/>, below <see cref="SackCount"/>.</summary>
    public readonly SackBlock this[int index] => index switch
    {
        _ when (uint)index >= SackCount => throw new ArgumentOutOfRangeException(nameof(index)),
        0 => _sack0,
        1 => _sack1,
        2 => _sack2,
        _ => _sack3,
    };

    /// <summary>Bytes the options fill in a header, padded to whole words; SACK blocks that do not fit are left out.</summary>
    public readonly int Length => FixedLength + (FittingSackBlocks is int count and > 0 ? 4 + (8 * count) : 0);

    /// <summary>SACK blocks that fit beside the other options: all four, or three with timestamps.</summary>
    internal readonly int FittingSackBlocks => Math.Min(SackCount, (MaxLength - 4 - FixedLength) / 8);

    private readonly int FixedLength =>
        (Mss is null ? 0 : 4) + (WindowScale is null ? 0 : 4) + (HasTimestamps ? 12 : SackPermitted ? 4 : 0)
        + (HasFastOpen ? (2 + FastOpen.Length + 3) & ~3 : 0);

    /// <summary>Adds a SACK block; false when there are four.</summary>
    public bool TryAddSack(SackBlock block)
    {
        switch (SackCount)
        {
            case 0: _sack0 = block; break;
            case 1: _sack1 = block; break;
            case 2: _sack2 = block; break;
            case 3: _sack3 = block; break;
            default: return false;
        }

        SackCount++;
        return true;
    }

    /// <summary>Removes all SACK blocks.</summary>
    public void ClearSack()
    {
        (_sack0, _sack1, _sack2, _sack3) = (default, default, default, default);
        SackCount = 0;
    }
}

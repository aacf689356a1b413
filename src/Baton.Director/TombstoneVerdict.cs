using Baton.Wire;

namespace Baton.Director;

/// <summary>What is to be done with a packet for an endpoint that is not here any more.</summary>
public enum TombstoneKind : byte
{
    /// <summary>No such endpoint was here of late: a wrong reference.</summary>
    Unknown,

    /// <summary>Forward with the successor's reference and one hop less.</summary>
    Forward,

    /// <summary>Drop silently, counted.</summary>
    Drop,
}

/// <summary>What is to be done with a late packet, and with which reference. Good until the table changes.</summary>
public readonly ref struct TombstoneVerdict
{
    private static readonly Tombstone s_nothing = new();

    private readonly ref readonly Tombstone _tombstone;

    internal TombstoneVerdict(TombstoneKind kind, ref readonly Tombstone tombstone)
    {
        Kind = kind;
        _tombstone = ref tombstone;
    }

    internal static TombstoneVerdict Unknown => new(TombstoneKind.Unknown, in s_nothing);

    /// <summary>What is to be done.</summary>
    public TombstoneKind Kind { get; }

    /// <summary>The new owner.</summary>
    public NodeId Target => _tombstone.Target;

    /// <summary>The new owner's reference.</summary>
    public ref readonly EncodedReference Successor => ref _tombstone.Successor;
}

/// <summary>One entry of the <see cref="TombstoneTable"/>.</summary>
internal struct Tombstone
{
    public EncodedReference Successor;
    public EndpointId Id;
    public NodeId Target;
    public Instant SilentFrom;
    public Instant Goes;
}

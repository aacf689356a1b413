using Baton.Wire;

namespace Baton.Director;

/// <summary>What is to be done with a flow's packets, and with which reference. Good until the table changes.</summary>
public readonly ref struct Verdict
{
    private static readonly FlowEntry[] s_nothing = new FlowEntry[1];

    private readonly ref FlowEntry _entry;

    internal Verdict(VerdictKind kind, ref FlowEntry entry)
    {
        Kind = kind;
        _entry = ref entry;
    }

    /// <summary>The verdict on a flow without an entry.</summary>
    internal static Verdict Unknown => new(VerdictKind.Unknown, ref s_nothing[0]);

    /// <summary>What is to be done.</summary>
    public VerdictKind Kind { get; }

    /// <summary>Where the endpoint lives; none if the flow is unknown.</summary>
    public NodeId Owner => _entry.Owner;

    /// <summary>Since which epoch.</summary>
    public Epoch Epoch => _entry.Epoch;

    /// <summary>The owner's reference: goes to the stack with a local packet, in front of a forwarded one.</summary>
    public ref readonly EncodedReference Reference => ref _entry.StoredReference;

    /// <summary>What <see cref="Remember"/> was told last, while nothing about the flow has changed since; or null.</summary>
    public object? Known => _entry.Known;

    /// <summary>Keeps with a local flow what its holder has found by the reference, to spare him the next search.</summary>
    public void Remember(object found)
    {
        if (Kind == VerdictKind.Local)
        {
            _entry.Known = found;
        }
    }
}

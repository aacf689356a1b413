using Baton.Wire;

namespace Baton.Engine;

/// <summary>Sees each client's packet that a node decides on, before anything is done with it. Called on the shard's thread: it must not block.</summary>
public delegate void PacketTracer(in PacketTrace trace);

/// <summary>One packet and what the director says of it; valid during the call.</summary>
public readonly ref struct PacketTrace
{
    internal PacketTrace(VerdictKind verdict, NodeId owner, ReadOnlySpan<byte> packet, ReadOnlySpan<byte> reference, bool encapsulated)
    {
        Verdict = verdict;
        Owner = owner;
        Packet = packet;
        Reference = reference;
        WasEncapsulated = encapsulated;
    }

    /// <summary>What is done with it.</summary>
    public VerdictKind Verdict { get; }

    /// <summary>The node that owns its endpoint, or none.</summary>
    public NodeId Owner { get; }

    /// <summary>The packet, from the IP header on.</summary>
    public ReadOnlySpan<byte> Packet { get; }

    /// <summary>The reference that goes with it, to the stack here or to the owner; empty for a flow without an entry.</summary>
    public ReadOnlySpan<byte> Reference { get; }

    /// <summary>Whether it came from another node, with that reference in front.</summary>
    public bool WasEncapsulated { get; }
}

using Baton.Wire;

namespace Baton.Membership;

/// <summary>Whether a member can be given connections.</summary>
public enum MemberStatus : byte
{
    /// <summary>Not heard of yet, or silent for too long.</summary>
    Unreachable,

    /// <summary>Heard of lately.</summary>
    Reachable,

    /// <summary>Heard of lately; gives its endpoints away and takes no new ones.</summary>
    Draining,
}

/// <summary>A member, whether it can be given connections, and what it said last (all zero before the first time).</summary>
public readonly record struct MemberView(Member Member, MemberStatus Status, MemberState State);

/// <summary>What a node knew of all members at one moment. Immutable: it may be read by any thread.</summary>
/// <param name="Epoch">Rises with each change of a member's status.</param>
/// <param name="Members">All members, this node too, in the order of their numbers.</param>
public sealed record MembershipView(ulong Epoch, IReadOnlyList<MemberView> Members)
{
    /// <summary>What is known of one member.</summary>
    public bool TryFind(NodeId id, out MemberView member)
    {
        foreach (var candidate in Members)
        {
            if (candidate.Member.Id == id)
            {
                member = candidate;
                return true;
            }
        }

        member = default;
        return false;
    }

    /// <summary>The status of one member; who is none is unreachable.</summary>
    public MemberStatus StatusOf(NodeId id) => TryFind(id, out var member) ? member.Status : MemberStatus.Unreachable;
}

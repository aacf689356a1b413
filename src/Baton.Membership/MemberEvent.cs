using Baton.Wire;

namespace Baton.Membership;

/// <summary>A member's status changed, or the member was started anew.</summary>
/// <param name="Member">Which.</param>
/// <param name="Status">Its status now.</param>
/// <param name="Restarted">It has another incarnation than when it was last reported: what it owned before is lost.</param>
/// <param name="ViewEpoch">The view's epoch now.</param>
public readonly record struct MemberEvent(NodeId Member, MemberStatus Status, bool Restarted, ulong ViewEpoch);

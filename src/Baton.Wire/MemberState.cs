namespace Baton.Wire;

/// <summary>What a member of the farm says about itself, several times a second.</summary>
/// <param name="Node">The member.</param>
/// <param name="Incarnation">Rises with each start of the member.</param>
/// <param name="LiveConnections">Endpoints it owns.</param>
/// <param name="QueuedBytes">Bytes that wait in its endpoints' receive queues: work its applications have not taken.</param>
/// <param name="CpuPermille">Processor time used by the node's process, in thousandths of one core.</param>
/// <param name="Draining">It gives its endpoints away and takes no new ones.</param>
/// <param name="Weight">Its share relative to the others under the weighted policy, 1 to 65535.</param>
public readonly record struct MemberState(
    NodeId Node,
    ulong Incarnation,
    uint LiveConnections,
    ulong QueuedBytes,
    uint CpuPermille,
    bool Draining,
    ushort Weight);

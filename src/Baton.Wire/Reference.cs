namespace Baton.Wire;

/// <summary>A connection's sequence numbers (RFC 9293 §3.3.1) as of one moment.</summary>
public readonly record struct SequenceGroup(SeqNum Iss, SeqNum Irs, SeqNum SndUna, SeqNum SndNxt, SeqNum RcvNxt);

/// <summary>
/// What names an endpoint at its owner. The owner writes it, complete and encoded, when it takes the endpoint; everybody
/// else stores and copies those bytes (<see cref="EncodedReference"/>) and changes only the hop count. The sequence
/// numbers are those at issue.
/// </summary>
/// <param name="Flow">Protocol, service address and port (local), client address and port (remote).</param>
/// <param name="Id">The endpoint at its owner.</param>
/// <param name="Epoch">The ownership number.</param>
/// <param name="OwnerAddress">The owner's lan address.</param>
/// <param name="OwnerPort">The port of the application at the owner; may differ from the service's.</param>
/// <param name="Sequence">The sequence group, or null where there is none (UDP).</param>
public readonly record struct Reference(
    Flow Flow,
    EndpointId Id,
    Epoch Epoch,
    InetAddress OwnerAddress,
    ushort OwnerPort,
    SequenceGroup? Sequence);

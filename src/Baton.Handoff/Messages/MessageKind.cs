namespace Baton.Handoff.Messages;

/// <summary>The second byte of every message. Values never change their meaning within a version.</summary>
internal enum MessageKind : byte
{
    Prepare = 1,
    Prepared = 2,
    Reject = 3,
    Precopy = 4,
    State = 5,
    Ready = 6,
    Swap = 7,
    Swapped = 8,
    Abort = 9,
    Done = 10,
    Closed = 11,
    ClosedAck = 12,
    Residue = 13,
    ResidueAck = 14,
}

namespace Baton.Handoff.Messages;

/// <summary>The second byte of every message about the home role. Values never change their meaning within a version.</summary>
internal enum HomeMessageKind : byte
{
    Claims = 1,
    List = 2,
    ListAck = 3,
    Gone = 4,
    Decline = 5,
    TakeBack = 6,
    VoteRequest = 7,
    Vote = 8,
}

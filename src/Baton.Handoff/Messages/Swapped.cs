using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// H→S and H→T: the handoff's outcome, which is the same whichever of the two asked; and what the entry says. H also
/// tells S unasked when T's commit was done.
/// </summary>
internal readonly record struct Swapped(MessageHeader Header, Decision Decision)
{
    public static byte[] Write(in MessageHeader header, in Decision decision)
    {
        var message = (header with { Kind = MessageKind.Swapped }).Allocate(1 + 2 + 4 + 1 + decision.Reference.Length, out var body);
        body.Byte((byte)decision.Outcome);
        body.UInt16(decision.Owner.Value);
        body.UInt32(decision.Epoch.Value);
        body.Reference(decision.Reference);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Swapped message)
    {
        var outcome = (HandoffOutcome)body.Byte();
        var owner = new NodeId(body.UInt16());
        var epoch = new Epoch(body.UInt32());
        var reference = body.Reference();
        message = new(header, new(outcome, owner, epoch, reference));
        return body.IsExact
            && outcome is HandoffOutcome.Committed or HandoffOutcome.Aborted or HandoffOutcome.Gone
            && (outcome != HandoffOutcome.Committed || reference.Length > 0);
    }
}

using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// The protocol at the home. It keeps nothing: the directory's entry holds the last handoff id and the decision, so a
/// repeated question gets the same answer however often it is asked.
/// </summary>
internal sealed class HomeDesk(Outbox outbox)
{
    public DropReason OnSwap(NodeId from, in Swap message)
    {
        // Only the target asks for the commit, only the source for the abort. Whoever asks a home that does not decide (it is
        // recovering, or has given its directory away) asks again when there is one that does.
        if (from != message.Question.NewOwner || !outbox.Decides(message.Question.Flow))
        {
            return DropReason.MessageStale;
        }

        outbox.Add(new HandoffOutput.AskSwap(from, message.Question));
        return DropReason.None;
    }

    public DropReason OnClosed(NodeId from, in Closed message)
    {
        var header = message.Header;
        if (!outbox.MayBeHome(header.Flow))
        {
            // Unanswered, it is told to the home that there is.
            return DropReason.MessageStale;
        }

        outbox.Add(new HandoffOutput.RemoveEntry(header.Flow, from, header.Epoch, message.Endpoint, message.Reason));
        outbox.Send(header, from, ClosedAck.Write(header, message.Endpoint));
        return DropReason.None;
    }

    public DropReason OnResidue(NodeId from, in Residue message)
    {
        var header = message.Header;
        if (!outbox.Decides(header.Flow))
        {
            // Unanswered, it is told again to the home that decides.
            return DropReason.MessageStale;
        }

        outbox.Add(new HandoffOutput.TakeResidue(header.Flow, from, header.Epoch, message.Endpoint, message.Bytes.ToArray()));
        return DropReason.None;
    }

    public void OnResidueTaken(HandoffOutput.TakeResidue question, bool taken)
    {
        var header = new MessageHeader(MessageKind.ResidueAck, HandoffId.None, question.Epoch, question.Flow);
        outbox.Send(header, question.Owner, ResidueAck.Write(header, question.Endpoint, taken));
    }

    /// <summary>Tells the asker, and the source of a commit that it has been done; what is for this node is the caller's.</summary>
    public void OnSwapped(NodeId asker, in SwapQuestion question, in Decision decision)
    {
        var header = new MessageHeader(MessageKind.Swapped, question.Handoff, question.ExpectedEpoch, question.Flow);
        if (asker == outbox.Self)
        {
            // The source hears DONE from here.
            return;
        }

        outbox.Send(header, asker, Swapped.Write(header, decision));
        if (asker != question.ExpectedOwner && decision.Outcome == HandoffOutcome.Committed)
        {
            outbox.Send(header, question.ExpectedOwner, Swapped.Write(header, decision));
        }
    }
}

using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// What the home decided about a handoff id. Both questions have the same answer: a commit refused is an abort, an abort
/// refused means that the commit came first.
/// </summary>
/// <param name="Outcome">Committed, aborted or gone.</param>
/// <param name="Owner">Who owns the flow now.</param>
/// <param name="Epoch">Since which epoch.</param>
/// <param name="Reference">The owner's reference.</param>
internal readonly record struct Decision(HandoffOutcome Outcome, NodeId Owner, Epoch Epoch, EncodedReference Reference)
{
    /// <summary>Reads the directory's answer to one of the questions.</summary>
    public static Decision Of(in SwapQuestion question, in SwapResult result)
    {
        bool yes = result.Outcome == SwapOutcome.Swapped;
        var outcome = result.Outcome == SwapOutcome.Gone ? HandoffOutcome.Gone
            : yes != question.IsAbort ? HandoffOutcome.Committed
            : HandoffOutcome.Aborted;
        return new(outcome, result.Owner, result.Epoch, result.Reference);
    }
}

namespace Baton.Director;

/// <summary>
/// Told of each change of a <see cref="FlowTable"/>, after it was made: for a copy of the table that is asked before it.
/// The table is what counts, so a copy may lack entries but never have one that the table has not.
/// </summary>
public interface IFlowObserver
{
    /// <summary>An entry was added, or has another owner, epoch or reference.</summary>
    void OnWritten(in FlowEntry entry);

    /// <summary>An entry is not in the table any more.</summary>
    void OnRemoved(in FlowEntry entry);
}

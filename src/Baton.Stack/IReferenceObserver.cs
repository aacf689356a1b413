namespace Baton.Stack;

/// <summary>Told which references are valid at this node: for a copy that is asked before the stack.</summary>
public interface IReferenceObserver
{
    /// <summary>An endpoint has its reference, or another in place of it.</summary>
    void OnIssued(Endpoint endpoint);

    /// <summary>An endpoint that had one is not here any more.</summary>
    void OnEnded(Endpoint endpoint);
}

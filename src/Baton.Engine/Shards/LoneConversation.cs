namespace Baton.Engine;

/// <summary>
/// Whether a shard's clients have spoken of late to one application only: then there is nothing to wait for that its answer
/// could be sent together with. Where several are spoken to, or one says more than once to what it was told, it is no lone one.
/// </summary>
internal sealed class LoneConversation
{
    private const int Enough = 8;

    private object? _application;
    private int _turns;
    private int _owed;

    /// <summary>The application is given what its client said. On the shard's thread.</summary>
    public void Give(object application)
    {
        if (!ReferenceEquals(_application, application))
        {
            Volatile.Write(ref _turns, 0);
            Volatile.Write(ref _application, application);
        }
        else if (_turns < Enough)
        {
            Volatile.Write(ref _turns, _turns + 1);
        }

        if (_turns == Enough)
        {
            Volatile.Write(ref _owed, 1);
        }
    }

    /// <summary>Whether the application goes on for the first time since it was given something, and no other is spoken to. From any thread.</summary>
    public bool IsAnswer(object application) =>
        Volatile.Read(ref _turns) == Enough && ReferenceEquals(Volatile.Read(ref _application), application) && Interlocked.Exchange(ref _owed, 0) == 1;
}

using System.IO.Pipelines;

namespace Baton.Kestrel;

/// <summary>
/// Whoever waits for a client's bytes goes on on the thread pool, but where an idle connection is to leave on the thread that
/// tells it so.
/// </summary>
internal sealed class LeavingScheduler : PipeScheduler
{
    [ThreadStatic]
    private static bool t_cancels;

    /// <summary>Cancels a read; whoever waits for it goes on before this returns.</summary>
    public static void Cancel(PipeReader reader)
    {
        t_cancels = true;
        reader.CancelPendingRead();
        t_cancels = false;
    }

    /// <inheritdoc/>
    public override void Schedule(Action<object?> action, object? state)
    {
        if (t_cancels)
        {
            t_cancels = false;
            action(state);
        }
        else
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(action, state, preferLocal: false);
        }
    }
}

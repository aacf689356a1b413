namespace Baton.Testing;

/// <summary>
/// What a piece of work allocates on this thread once it is warm. The runtime, too, allocates now and then on the thread
/// that happens to compile or bind a method, and when depends on all that runs beside; what the work itself allocates is
/// in every window. So the least of several windows is the work's.
/// </summary>
internal static class Allocation
{
    private const int Windows = 5;

    /// <summary>Does the work once to warm up, then in five windows.</summary>
    /// <param name="work">Many rounds of what is looked at: so many that one byte a round would show.</param>
    /// <returns>The bytes of the window with the fewest.</returns>
    public static long Steady(Action work)
    {
        work();
        long least = long.MaxValue;
        for (int window = 0; window < Windows; window++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}

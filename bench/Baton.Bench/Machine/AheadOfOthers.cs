using System.Globalization;

namespace Baton.Bench.Machine;

/// <summary>
/// Lets processes run ahead of the machine's others, without a change to how the kernel schedules their own threads among
/// each other: a session of their own, whose group comes first (sched(7), autogroup).
/// </summary>
internal static class AheadOfOthers
{
    private const int Highest = -20;

    /// <summary>Lets this process and those that it starts run ahead.</summary>
    public static void Enter()
    {
        _ = Libc.SetSession();
        try
        {
            File.WriteAllText("/proc/self/autogroup", Highest.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // The kernel has no such groups.
        }
    }

    /// <summary>The words before a command that let it run ahead.</summary>
    public static string[] Before { get; } =
        ["setsid", "--wait", "sh", "-c", $"{{ echo {Highest} > /proc/self/autogroup; }} 2>/dev/null; exec \"$@\"", "sh"];
}

using System.Diagnostics;

namespace Baton.Build;

/// <summary>Runs other programs with this one's terminal.</summary>
internal static class Tool
{
    /// <summary>Runs a program to its end and returns its exit status; 127 when it cannot be started.</summary>
    public static int Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = Start(program, arguments, environment, redirect: false);
        if (process is null)
        {
            return 127;
        }

        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Runs a program and keeps what it prints.</summary>
    public static (int Status, string Output) Capture(string program, params string[] arguments)
    {
        using var process = Start(program, arguments, null, redirect: true);
        if (process is null)
        {
            return (127, "");
        }

        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    /// <summary>Whether a program is on PATH (or where an administrator's programs are).</summary>
    public static bool Exists(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static Process? Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment, bool redirect)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = redirect };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Console.Error.WriteLine($"build: cannot start {program}: {e.Message}");
            return null;
        }
    }
}

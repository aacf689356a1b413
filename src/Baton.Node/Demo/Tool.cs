using System.Diagnostics;

namespace Baton.Node.Demo;

/// <summary>What a program said before it ended.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs a program to its end.</summary>
internal static class Tool
{
    /// <summary>Runs <paramref name="file"/>, feeding it <paramref name="input"/>.</summary>
    public static async Task<ToolResult> RunAsync(
        string file, IEnumerable<string> arguments, string? input = null, CancellationToken cancellation = default)
    {
        using var process = Start(file, arguments);
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
        }

        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(cancellation);
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Runs <paramref name="file"/> and throws what it says when it fails.</summary>
    /// <exception cref="DemoException">The program ended with another status than 0.</exception>
    public static async Task<string> RequireAsync(
        string file, IEnumerable<string> arguments, string? input = null, CancellationToken cancellation = default)
    {
        var given = arguments.ToArray();
        var result = await RunAsync(file, given, input, cancellation);
        return result.ExitCode == 0
            ? result.Output
            : throw new DemoException($"'{file} {string.Join(' ', given)}' failed: {result.Error.Trim()}");
    }

    /// <summary>Starts <paramref name="file"/> with all three standard streams as pipes.</summary>
    public static Process Start(
        string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var info = new ProcessStartInfo(file)
        {
            WorkingDirectory = directory ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        return Process.Start(info) ?? throw new DemoException($"'{file}' could not be started.");
    }

    /// <summary>Where <paramref name="name"/> is in PATH or the system's own directories, or null.</summary>
    public static string? Find(string name)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(':').Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
            .Where(directory => directory.Length > 0)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
    }
}

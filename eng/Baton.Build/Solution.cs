namespace Baton.Build;

/// <summary>The solution: where its parts lie, and how they are compiled and started.</summary>
internal static class Solution
{
    private const string File = "Baton.slnx";
    private const string Configuration = "Release";

    /// <summary>Compiles everything.</summary>
    public static int Build()
    {
        Console.WriteLine("building…");
        return Tool.Run("dotnet", ["build", File, "-c", Configuration, "-v", "quiet", "-nologo", "-clp:NoSummary"]);
    }

    /// <summary>Lays out the sources, or with --check only says whether they are.</summary>
    public static int Format(string[] args) =>
        Tool.Run("dotnet", ["format", "whitespace", File, .. args.Contains("--check") ? ["--verify-no-changes"] : Array.Empty<string>()]);

    /// <summary>Makes the packages of all that is under src.</summary>
    public static int Pack(string[] args)
    {
        string folder = Path.GetFullPath(args.Length > 0 ? args[0] : "artifacts/packages");
        int packed = Tool.Run("dotnet", ["pack", File, "-c", Configuration, "-o", folder, "-v", "quiet", "-nologo", "-clp:NoSummary"]);
        if (packed == 0)
        {
            Console.WriteLine($"packages: {folder}");
        }

        return packed;
    }

    /// <summary>Compiles one project and runs it with <paramref name="args"/>.</summary>
    public static int RunProject(string project, string[] args)
    {
        if (!Directory.Exists(project))
        {
            Console.Error.WriteLine($"build: {project} is not in this checkout.");
            return 2;
        }

        int built = Tool.Run("dotnet", ["build", project, "-c", Configuration, "-v", "quiet", "-nologo", "-clp:NoSummary"]);
        return built != 0 ? built : Tool.Run("dotnet", ["exec", Assembly(project), .. args]);
    }

    /// <summary>The compiled assembly of a project's folder.</summary>
    public static string Assembly(string project) =>
        Path.Combine(project, "bin", Configuration, "net10.0", Path.GetFileName(project.TrimEnd('/')) + ".dll");

    /// <summary>The folders of all test projects, in the order in which they build on each other.</summary>
    public static IReadOnlyList<string> TestProjects()
    {
        string[] order = ["Wire", "Tcp", "Stack", "Director", "Membership", "Handoff", "Link", "Engine", "Hosting", "Node", "Simulation", "Scenarios"];
        return [.. Directory.GetDirectories("tests", "*.Tests")
            .OrderBy(folder => Array.FindIndex(order, layer => folder.Contains($".{layer}.", StringComparison.Ordinal)) is var i && i < 0 ? order.Length : i)
            .ThenBy(folder => folder, StringComparer.Ordinal)];
    }
}

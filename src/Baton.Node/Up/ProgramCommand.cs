using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary>How the user's program is started.</summary>
/// <param name="Command">Program and arguments.</param>
/// <param name="Directory">Where; ASP.NET Core looks for its files there.</param>
internal sealed record ProgramCommand(IReadOnlyList<string> Command, string Directory)
{
    /// <summary>Finds out what <paramref name="path"/> is; a project is built first.</summary>
    /// <exception cref="PrerequisiteException">It is no program.</exception>
    public static async Task<ProgramCommand> PrepareAsync(string path, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        if (System.IO.Directory.Exists(path) || Path.GetExtension(path) == ".csproj")
        {
            string project = ProjectAt(path);
            return await BuildAsync(project, arguments, cancellation);
        }

        if (!File.Exists(path))
        {
            throw new PrerequisiteException($"{path} does not exist. Name a folder with a project, a .csproj, a .dll or a program.");
        }

        string full = Path.GetFullPath(path);
        string[] command = Path.GetExtension(full) == ".dll" ? ["dotnet", full, .. arguments] : [full, .. arguments];
        return new(command, Path.GetDirectoryName(full)!);
    }

    private static string ProjectAt(string path)
    {
        if (File.Exists(path))
        {
            return Path.GetFullPath(path);
        }

        string[] projects = System.IO.Directory.GetFiles(path, "*.csproj");
        return projects.Length == 1
            ? Path.GetFullPath(projects[0])
            : throw new PrerequisiteException($"{path} holds {projects.Length} projects. Name the .csproj that is meant.");
    }

    private static async Task<ProgramCommand> BuildAsync(string project, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var built = await Tool.RunAsync("dotnet", ["build", project, "-c", "Release", "-v", "quiet", "-nologo", "--disable-build-servers"], cancellation: cancellation);
        if (built.ExitCode != 0)
        {
            throw new PrerequisiteException($"{project} does not build:\n{built.Output.Trim()}");
        }

        string target = await Tool.RequireAsync(
            "dotnet", ["msbuild", project, "-p:Configuration=Release", "-getProperty:TargetPath", "-nologo"], cancellation: cancellation);
        return new(["dotnet", target.Trim(), .. arguments], Path.GetDirectoryName(project)!);
    }
}

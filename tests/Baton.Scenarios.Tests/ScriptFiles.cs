namespace Baton.Scenarios.Tests;

/// <summary>Scripts beside the test program.</summary>
internal static class ScriptFiles
{
    /// <summary>All scripts of a folder, by their paths in it.</summary>
    public static IEnumerable<string> In(string folder)
    {
        string root = Path.Combine(AppContext.BaseDirectory, folder);
        return Directory.EnumerateFiles(root, "*.pkt", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>A script's text.</summary>
    public static string Read(string folder, string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, folder, name));
}

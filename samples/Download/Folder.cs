using System.Globalization;

namespace Download;

/// <summary>The files that are served: the same at every node, as from a network file system.</summary>
internal sealed class Folder
{
    private const string Demonstration = "numbers.txt";
    private const int Lines = 8_000_000;

    private readonly string _path;

    private Folder(string path) => _path = path;

    public IEnumerable<string> Names => Directory.EnumerateFiles(_path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

    /// <summary>Opens a folder; without one it makes one with a file of about 63 MB.</summary>
    public static Folder Open(string? path)
    {
        if (path is not null)
        {
            return new(Path.GetFullPath(path));
        }

        var folder = Directory.CreateDirectory(
            Path.Combine(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? Path.GetTempPath(), "download"));
        string file = Path.Combine(folder.FullName, Demonstration);
        if (!File.Exists(file))
        {
            // Nodes that begin at the same time make it each for itself; the last one's takes its place whole.
            string own = file + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            using (var writer = new StreamWriter(own))
            {
                for (int line = 1; line <= Lines; line++)
                {
                    writer.Write(line);
                    writer.Write('\n');
                }
            }

            File.SetLastWriteTimeUtc(own, DateTime.UnixEpoch);
            File.Move(own, file, overwrite: true);
        }

        return new(folder.FullName);
    }

    /// <summary>A file of the folder itself, or null.</summary>
    public FileInfo? Find(string name)
    {
        var file = new FileInfo(Path.Combine(_path, Path.GetFileName(name)));
        return file.Exists ? file : null;
    }
}

using System.Globalization;

namespace Baton.Node.Demo;

/// <summary>
/// The demonstration's directory of logs, sockets and captures, under the system's temporary one. A locked file in it,
/// whose lock ends with the process however that ends, tells a directory in use from one that a killed run left.
/// </summary>
internal sealed class WorkDirectory : IDisposable
{
    private const string NamePrefix = "baton-demo-";
    private const string LockName = ".lock";
    private readonly FileStream _lock;
    private bool _isKept;

    private WorkDirectory(string path)
    {
        FullName = path;
        string lockFile = Path.Combine(path, LockName);
        string unlocked = lockFile + ".new";

        // It has its name only once it is locked: nobody can take it in between.
        _lock = new(unlocked, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        File.Move(unlocked, lockFile);
    }

    public string FullName { get; }

    /// <summary>Makes one; the name carries this process's number.</summary>
    public static WorkDirectory Create() => new(Directory.CreateTempSubdirectory(
        string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-")).FullName);

    /// <summary>Removes what killed runs of this user left.</summary>
    public static void RemoveLeftovers()
    {
        foreach (string path in Directory.GetDirectories(Path.GetTempPath(), NamePrefix + "*"))
        {
            try
            {
                using var unused = new FileStream(Path.Combine(path, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                Directory.Delete(path, recursive: true);
            }
            catch (Exception inUse) when (inUse is IOException or UnauthorizedAccessException)
            {
                // In use, another user's, or kept for its user to read.
            }
        }
    }

    /// <summary>Leaves it for the user to read, also at the next runs.</summary>
    public void Keep() => _isKept = true;

    /// <summary>Removes it, if it is not kept.</summary>
    public void Dispose()
    {
        if (_isKept)
        {
            File.Delete(Path.Combine(FullName, LockName));
        }
        else
        {
            Directory.Delete(FullName, recursive: true);
        }

        _lock.Dispose();
    }
}

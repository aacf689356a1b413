using Baton.Engine;

namespace Baton.Hosting;

/// <summary>
/// The place of a node's control socket, <c>NODE.sock</c>. A lock file beside it, held while the node lives, tells a
/// socket in use from one that a killed node left.
/// </summary>
public sealed class ControlSocket : IDisposable
{
    private const string Suffix = ".sock";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly FileStream _lock;

    private ControlSocket(string path, FileStream heldLock)
    {
        FilePath = path;
        _lock = heldLock;
    }

    /// <summary>The socket's path.</summary>
    public string FilePath { get; }

    /// <summary>Where sockets are looked for, the first also where they are made.</summary>
    public static IReadOnlyList<string> Directories { get; } =
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime
            ? [Path.Combine(runtime, "baton"), "/run/baton"]
            : ["/run/baton"];

    /// <summary>The path of a node's socket by default.</summary>
    public static string DefaultPath(string node) => Path.Combine(Directories[0], node + Suffix);

    /// <summary>Sockets of nodes on this machine, by node name.</summary>
    public static IReadOnlyList<(string Node, string Path)> Find() =>
    [
        .. Directories.Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateFiles(directory, "*" + Suffix))
            .Select(path => (Path.GetFileNameWithoutExtension(path), path))
            .Order(),
    ];

    /// <summary>Takes the path for this process; removes the socket that a killed one left there.</summary>
    /// <exception cref="BatonException">Another node has it, or it cannot be made.</exception>
    public static ControlSocket Take(string path)
    {
        try
        {
            string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
            var heldLock = new FileStream(path + ".lock", new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = OwnerOnly,
            });
            File.Delete(path);
            return new(path, heldLock);
        }
        catch (UnauthorizedAccessException)
        {
            throw new BatonException($"The control socket {path} may not be made by this user. Set XDG_RUNTIME_DIR or Baton:ControlSocket to a place of yours.");
        }
        catch (IOException failure)
        {
            throw new BatonException($"The control socket {path} cannot be taken ({failure.Message}). Is a node of that name running?");
        }
    }

    /// <summary>Lets only the owner use the socket; called once it is bound.</summary>
    public void Restrict() => File.SetUnixFileMode(FilePath, OwnerOnly);

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(FilePath);
        _lock.Dispose();
        File.Delete(FilePath + ".lock");
    }
}

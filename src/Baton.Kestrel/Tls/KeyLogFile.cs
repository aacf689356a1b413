namespace Baton.Kestrel.Tls;

/// <summary>
/// A file of connections' secrets in the format that tshark and Wireshark read (<c>SSLKEYLOGFILE</c>). Whoever has it reads
/// the traffic: it is for finding faults, and off unless it is asked for.
/// </summary>
internal sealed class KeyLogFile : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file;

    /// <param name="path">The file; it is appended to, and made with access for its owner only.</param>
    public KeyLogFile(string path) => _file = new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>Adds a line.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        lock (_lock)
        {
            _file.Write([.. line, (byte)'\n']);
            _file.Flush();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

using System.Net.Sockets;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Tests.Hosting;

public sealed class ControlSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("baton-test-").FullName;

    private string SocketPath => Path.Combine(_directory, "run", "a.sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Only_the_owner_may_enter_its_directory()
    {
        using var taken = ControlSocket.Take(SocketPath);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(SocketPath)!));
    }

    [Fact]
    public void A_path_is_taken_once()
    {
        using var taken = ControlSocket.Take(SocketPath);
        var refused = Assert.Throws<BatonException>(() => ControlSocket.Take(SocketPath));
        Assert.Contains("Is a node of that name running?", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_that_a_killed_node_left_is_replaced()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(SocketPath));
            File.Move(SocketPath, SocketPath + ".kept");
        }

        File.Move(SocketPath + ".kept", SocketPath);
        using var taken = ControlSocket.Take(SocketPath);
        using var next = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        next.Bind(new UnixDomainSocketEndPoint(SocketPath));
        taken.Restrict();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        ControlSocket.Take(SocketPath).Dispose();
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(SocketPath)!));
    }
}

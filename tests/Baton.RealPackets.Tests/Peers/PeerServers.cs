using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>Servers of others on all of the namespace's addresses, with their files in a folder that goes with them.</summary>
internal sealed class PeerServers : IDisposable
{
    public const int Http = 8080, Http2 = 8081, Ssh = 2222, Iperf = 5201, Redis = 6379, Sip = 5061;

    /// <summary>Bytes of the file that is fetched.</summary>
    public const int FileLength = 4 << 20;

    /// <summary>
    /// By default SIPp gives up a call at any message that it does not wait for, and repeats both a request that is late to be
    /// answered and the answer: on a path with loss, or a slow machine, one of them comes too often.
    /// </summary>
    public static readonly string[] SipIgnoresRepeats = ["-default_behaviors", "all,-abortunexp"];

    private readonly PeerFarm _farm;

    private PeerServers(PeerFarm farm) => _farm = farm;

    public string Folder { get; } = Directory.CreateTempSubdirectory("baton-peers-").FullName;

    /// <summary>The file that servers offer.</summary>
    public string File => Path.Combine(Folder, "file");

    public static async Task<PeerServers> StartAsync(PeerFarm farm)
    {
        var servers = farm.Owned(new PeerServers(farm));
        await System.IO.File.WriteAllBytesAsync(servers.File, RandomNumberGenerator.GetBytes(FileLength));
        return servers;
    }

    /// <summary>nginx: HTTP/1.1 on one port, HTTP/2 without TLS on another.</summary>
    public Task StartNginxAsync()
    {
        Write("nginx.conf", $$"""
            daemon off; user root; worker_processes 1; pid {{Folder}}/nginx.pid; error_log stderr crit;
            events { worker_connections 512; }
            http {
                access_log off; client_body_temp_path {{Folder}}/body; proxy_temp_path {{Folder}}/proxy;
                fastcgi_temp_path {{Folder}}/fastcgi; uwsgi_temp_path {{Folder}}/uwsgi; scgi_temp_path {{Folder}}/scgi;
                keepalive_requests 100000;
                server { listen {{Http}}; listen [::]:{{Http}}; root {{Folder}}; location = /short { return 200 "short\n"; } }
                server { listen {{Http2}} http2; listen [::]:{{Http2}} http2; root {{Folder}}; location = /short { return 200 "short\n"; } }
            }
            """);
        PeerProgram.Start(_farm, "nginx", "-p", Folder, "-c", $"{Folder}/nginx.conf");
        return ListensAsync(Http);
    }

    /// <summary>OpenSSH with a host key and a user key of this run's own.</summary>
    public async Task StartSshAsync()
    {
        Directory.CreateDirectory("/run/sshd");
        await PeerProgram.SucceedAsync(_farm, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{Folder}/host");
        await PeerProgram.SucceedAsync(_farm, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{Folder}/user");
        Write("sshd.conf", $"""
            Port {Ssh}
            HostKey {Folder}/host
            AuthorizedKeysFile {Folder}/user.pub
            PidFile {Folder}/sshd.pid
            PermitRootLogin yes
            StrictModes no
            UsePAM no
            Subsystem sftp internal-sftp
            """);
        PeerProgram.Start(_farm, "/usr/sbin/sshd", "-D", "-f", $"{Folder}/sshd.conf");
        await ListensAsync(Ssh);
    }

    /// <summary>Has one client at a time, and refuses others until it listens again: it says when.</summary>
    public PeerProgram StartIperf() => PeerProgram.Start(_farm, "iperf3", "-s", "-p", Text(Iperf), "--forceflush");

    public Task StartRedisAsync()
    {
        PeerProgram.Start(
            _farm, "redis-server", "--port", Text(Redis), "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no", "--dir", Folder);
        return ListensAsync(Redis);
    }

    /// <summary>SIPp's answering party.</summary>
    public void StartSip() => PeerProgram.Start(
        _farm, "sipp", ["-sn", "uas", .. SipIgnoresRepeats, "-i", "127.0.0.1", "-p", Text(Sip), "-nostdin", "-bg"]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>The hash of a file.</summary>
    public static string HashOf(string path) => Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(path)));

    private void Write(string name, string text) => System.IO.File.WriteAllText(Path.Combine(Folder, name), text, Encoding.ASCII);

    private Task ListensAsync(int port) => Wait.UntilAsync(async () =>
    {
        using var socket = Link.NetworkNamespace.Run(_farm.Namespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, Wait.Patience());
            return true;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
    });

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

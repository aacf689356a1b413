using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;

namespace Chat;

/// <summary>
/// Tells the other nodes what is said here: datagrams between Unix sockets in one directory, which is enough for nodes on
/// one machine. On several machines something like Redis takes its place.
/// </summary>
internal sealed class Backplane(IServiceProvider services) : BackgroundService
{
    /// <summary>Characters after which no further message joins a datagram; each may take six bytes in JSON.</summary>
    private const int MaxTogether = 8000;

    private const int MaxDatagram = 192 * 1024;
    private static readonly string s_directory =
        Path.Combine(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? Path.GetTempPath(), "chat");

    private readonly string _self = Path.Combine(s_directory, Guid.NewGuid().ToString("N")[..12]);
    private readonly Channel<Message> _outgoing = Channel.CreateBounded<Message>(10_000);
    private long _last;

    public string NextId() => $"{Path.GetFileName(_self)}-{Interlocked.Increment(ref _last)}";

    public void Publish(Message message) => _outgoing.Writer.TryWrite(message);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Directory.CreateDirectory(s_directory);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_self));
        try
        {
            await Task.WhenAll(ReceiveAsync(socket, services.GetRequiredService<Rooms>(), stoppingToken), SendAsync(socket, stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        finally
        {
            File.Delete(_self);
        }
    }

    private static async Task ReceiveAsync(Socket socket, Rooms rooms, CancellationToken cancellation)
    {
        byte[] buffer = new byte[MaxDatagram];
        while (true)
        {
            int length = await socket.ReceiveAsync(buffer, cancellation);
            foreach (var message in JsonSerializer.Deserialize<Message[]>(buffer.AsSpan(0, length)) ?? [])
            {
                rooms.OnSaidElsewhere(message);
            }
        }
    }

    /// <summary>What was said while the last datagram went out goes in one.</summary>
    private async Task SendAsync(Socket socket, CancellationToken cancellation)
    {
        var said = new List<Message>();
        while (await _outgoing.Reader.WaitToReadAsync(cancellation))
        {
            said.Clear();
            for (int length = 0; length < MaxTogether && _outgoing.Reader.TryRead(out var message); length += 100 + message.From.Length + message.Text.Length)
            {
                said.Add(message);
            }

            byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(said);
            foreach (string peer in Directory.GetFiles(s_directory).Where(path => path != _self))
            {
                try
                {
                    await socket.SendToAsync(bytes, new UnixDomainSocketEndPoint(peer), cancellation);
                }
                catch (SocketException gone) when (gone.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable)
                {
                    // Left behind by a process that was killed.
                    File.Delete(peer);
                }
            }
        }
    }
}

using System.Net.Sockets;
using System.Security.Cryptography;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>
/// The client of <see cref="Duplex"/>: streams until told to stop, and then knows whether every byte of both directions
/// arrived once, in order and unchanged.
/// </summary>
internal sealed class DuplexClient
{
    public const byte Both = (byte)'b', UpOnly = (byte)'u';

    private const int DigestLength = SHA256.HashSizeInBytes;
    private const int BufferLength = 256 << 10;
    private readonly Socket _socket;
    private readonly bool _downloads;
    private readonly bool _uploads;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IncrementalHash _sentHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Task _sending;
    private readonly Task _receiving;
    private long _sent;
    private long _received;

    private DuplexClient(Socket socket, bool downloads, bool uploads)
    {
        _socket = socket;
        _downloads = downloads;
        _uploads = uploads;
        _sending = Task.Run(() => SendAsync(downloads ? Both : UpOnly));
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Bytes of its stream that the client's kernel has taken.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes of the server's stream that have arrived and were the right ones.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Begins to stream.</summary>
    public static DuplexClient Start(Socket socket, bool downloads = true, bool uploads = true) => new(socket, downloads, uploads);

    /// <summary>Waits until so many bytes more have passed in each direction that streams.</summary>
    public async Task ProgressAsync(long bytes)
    {
        long sent = Sent, received = Received;
        await Wait.UntilAsync(() =>
        {
            ThrowIfFailed();
            return (!_uploads || Sent >= sent + bytes) && (!_downloads || Received >= received + bytes);
        });
    }

    /// <summary>Ends both streams and checks them to their last bytes.</summary>
    public async Task FinishAsync()
    {
        _stopped.TrySetResult();
        await _sending.WaitAsync(Wait.Patience());
        await _receiving.WaitAsync(Wait.Patience());
    }

    public void ThrowIfFailed()
    {
        if (_sending.IsFaulted)
        {
            _sending.GetAwaiter().GetResult();
        }

        if (_receiving.IsFaulted)
        {
            _receiving.GetAwaiter().GetResult();
        }
    }

    private async Task SendAsync(byte mode)
    {
        await _socket.SendAsync(new[] { mode });
        var generator = new GeneratedStream(Duplex.UpKey);
        byte[] buffer = new byte[BufferLength];
        while (_uploads && !_stopped.Task.IsCompleted)
        {
            generator.Fill((ulong)Sent, buffer);
            int length = await _socket.SendAsync(buffer);
            _sentHash.AppendData(buffer, 0, length);
            Interlocked.Add(ref _sent, length);
        }

        if (!_uploads)
        {
            await _stopped.Task;
        }

        _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>All but the last 32 bytes are the generated stream; those are the hash of what was sent.</summary>
    private async Task ReceiveAsync()
    {
        var generator = new GeneratedStream(Duplex.DownKey);
        byte[] buffer = new byte[BufferLength + DigestLength];
        byte[] expected = new byte[BufferLength + DigestLength];
        int kept = 0;
        while (await _socket.ReceiveAsync(buffer.AsMemory(kept, BufferLength)) is > 0 and var length)
        {
            int whole = kept + length;
            int sure = Math.Max(0, whole - DigestLength);
            generator.Fill((ulong)Received, expected.AsSpan(0, sure));
            if (!buffer.AsSpan(0, sure).SequenceEqual(expected.AsSpan(0, sure)))
            {
                int at = buffer.AsSpan(0, sure).CommonPrefixLength(expected.AsSpan(0, sure));
                Assert.Fail($"The download differs at byte {Received + at}.");
            }

            buffer.AsSpan(sure, whole - sure).CopyTo(buffer);
            kept = whole - sure;
            Interlocked.Add(ref _received, sure);
        }

        await _sending;
        Assert.Equal(DigestLength, kept);
        Assert.Equal(Convert.ToHexStringLower(_sentHash.GetHashAndReset()), Convert.ToHexStringLower(buffer.AsSpan(0, DigestLength)));
    }
}

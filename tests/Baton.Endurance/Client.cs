using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Baton.Samples;

namespace Baton.Endurance;

/// <summary>
/// A connection of the client's: it sends a few bytes of a generated stream now and then, compares what comes back, and at
/// its end the hash of all that it has sent.
/// </summary>
internal sealed class Client : IDisposable
{
    private const int Longest = 1024;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(4);

    private readonly Socket _socket;
    private readonly ulong _key;
    private readonly Random _random;
    private readonly CancellationTokenSource _finishing = new();
    private ulong _position;

    private Client(Socket socket, int number)
    {
        _socket = socket;
        _key = (ulong)number + 1;
        _random = new Random(number);
        Key = NodeProgram.KeyOf(((IPEndPoint)socket.LocalEndPoint!).Port, $"{((IPEndPoint)socket.RemoteEndPoint!).Address}");
        Running = Task.Run(RunAsync);
    }

    /// <summary>Its name at the nodes.</summary>
    public string Key { get; }

    /// <summary>Ends well after <see cref="Finish"/>, or with what went wrong.</summary>
    public Task Running { get; }

    /// <summary>What has become of it, in words.</summary>
    public string State => Running.IsFaulted ? Running.Exception.InnerException!.Message
        : string.Create(CultureInfo.InvariantCulture, $"{(Running.IsCompleted ? "ended" : "open")}, {Bytes} bytes came back");

    /// <summary>Bytes that came back as they were sent.</summary>
    public long Bytes => (long)Volatile.Read(ref _position);

    public static async Task<Client> ConnectAsync(Socket socket, IPEndPoint service, int number)
    {
        socket.NoDelay = true;
        await socket.ConnectAsync(service);
        return new(socket, number);
    }

    /// <summary>Ends its stream, and awaits the hash.</summary>
    public void Finish() => _finishing.Cancel();

    /// <summary>Its node was killed: whatever becomes of it, nothing is left of it here.</summary>
    public void Forget()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
        _finishing.Cancel();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _finishing.Dispose();
    }

    private async Task RunAsync()
    {
        var stream = new GeneratedStream(_key);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] sent = new byte[Longest], received = new byte[Longest];
        while (!_finishing.IsCancellationRequested)
        {
            var block = sent.AsMemory(0, _random.Next(1, Longest));
            stream.Fill(_position, block.Span);
            hash.AppendData(block.Span);
            await _socket.SendAsync(block);
            await ReceiveAllAsync(received.AsMemory(0, block.Length));
            if (!received.AsSpan(0, block.Length).SequenceEqual(block.Span))
            {
                throw new EnduranceException($"what came back differs within {block.Length} bytes from {_position}");
            }

            Volatile.Write(ref _position, _position + (ulong)block.Length);
            await Task.Delay(s_pause * _random.NextDouble(), _finishing.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        _socket.Shutdown(SocketShutdown.Send);
        byte[] expected = hash.GetHashAndReset();
        await ReceiveAllAsync(received.AsMemory(0, expected.Length));
        if (!received.AsSpan(0, expected.Length).SequenceEqual(expected))
        {
            throw new EnduranceException($"the hash of {_position} bytes differs");
        }

        if (await _socket.ReceiveAsync(received) != 0)
        {
            throw new EnduranceException("bytes came after the hash");
        }

        _socket.Dispose();
    }

    private async Task ReceiveAllAsync(Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int length = await _socket.ReceiveAsync(buffer);
            if (length == 0)
            {
                throw new EnduranceException($"the connection ended after {_position} bytes");
            }

            buffer = buffer[length..];
        }
    }
}

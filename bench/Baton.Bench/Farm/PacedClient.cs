using System.Diagnostics;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Farm;

/// <summary>
/// A download by a kernel socket at a steady rate; every byte is compared. The server always has more to send: what the
/// client has read opens the window for as much.
/// </summary>
internal sealed class PacedClient
{
    private const int ReadLength = 16 << 10;

    // Twice what is under way. The kernel opens a closed window by no less than 1/16 of its buffer, so that a buffer of
    // the default's size would let the stream stutter at this rate.
    private const int ReceiveBuffer = 256 << 10;

    private readonly long _bytesPerSecond;
    private readonly Thread _thread;
    private volatile bool _stop;
    private Exception? _failure;
    private long _received;

    public PacedClient(string networkNamespace, long bytesPerSecond)
    {
        _bytesPerSecond = bytesPerSecond;
        _thread = new Thread(() => Run(networkNamespace)) { Name = "client", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Bytes received so far, all as they must be.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Ends the download.</summary>
    /// <exception cref="BenchException">It broke off, or a byte was wrong.</exception>
    public void Stop()
    {
        _stop = true;
        _thread.Join();
        if (_failure is not null)
        {
            throw new BenchException($"the download failed after {Received} bytes: {_failure.Message}");
        }
    }

    private void Run(string networkNamespace)
    {
        try
        {
            NetworkNamespace.Run(networkNamespace, Download);
        }
#pragma warning disable CA1031 // Whoever stops the client gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }
    }

    private void Download()
    {
        PollSet.TightenTimers();
        using var pause = new PollSet();
        var socket = KernelSocket.Connect(new(FarmNetwork.ServiceAddress, FarmNetwork.Port), ReceiveBuffer);
        byte[] buffer = new byte[ReadLength];
        long start = Stopwatch.GetTimestamp();
        while (!_stop)
        {
            int received = socket.Receive(buffer);
            if (received <= 0)
            {
                throw new BenchException("the connection ended");
            }

            if (!Pattern.Matches(_received, buffer.AsSpan(0, received)))
            {
                throw new BenchException("a byte was wrong");
            }

            Volatile.Write(ref _received, _received + received);
            var ahead = TimeSpan.FromSeconds((double)_received / _bytesPerSecond) - Stopwatch.GetElapsedTime(start);
            if (ahead > TimeSpan.Zero)
            {
                pause.Wait((long)ahead.TotalNanoseconds);
            }
        }

        socket.Close();
    }
}

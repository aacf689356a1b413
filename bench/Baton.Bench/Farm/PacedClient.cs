using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Farm;

/// <summary>
/// A download by a kernel socket, every byte compared. It reads at once, and a small receive buffer paces the stream:
/// one window in each round trip, evenly as its acknowledgments travel.
/// </summary>
internal sealed class PacedClient
{
    private const int ReadLength = 64 << 10;
    private const int ReceiveBuffer = 128 << 10;

    private readonly Thread _thread;
    private volatile bool _stop;
    private Exception? _failure;
    private long _received;

    public PacedClient(string networkNamespace)
    {
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
        var socket = KernelSocket.Connect(new(FarmNetwork.ServiceAddress, FarmNetwork.Port), receiveBuffer: ReceiveBuffer);
        byte[] buffer = new byte[ReadLength];
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
        }

        socket.Close();
    }
}

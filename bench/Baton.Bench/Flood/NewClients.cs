using System.Diagnostics;
using System.Net;
using Baton.Bench.Kernel;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Flood;

/// <summary>
/// A client that comes anew every few milliseconds: connects, has one byte echoed, closes. Its times are from before the
/// connect until the byte is back, repetitions of the SYN included.
/// </summary>
internal sealed class NewClients
{
    private const int Priority = 2;
    private const byte Request = 1;

    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(5);

    private readonly List<long> _times = [];
    private readonly Task<bool> _running;
    private volatile bool _stop;

    public NewClients(string networkNamespace, IPEndPoint server) => _running = Task.Run(() => NetworkNamespace.Run(networkNamespace, () => Connect(server)));

    /// <summary>Connections that could not be made.</summary>
    public int Failures { get; private set; }

    /// <summary>Ends it; the times in <see cref="Stopwatch"/> ticks.</summary>
    public IReadOnlyList<long> Stop()
    {
        _stop = true;
        _running.GetAwaiter().GetResult();
        return _times;
    }

    private bool Connect(IPEndPoint server)
    {
        Cores.Pin(Cores.Client, Priority);
        Span<byte> bytes = stackalloc byte[1];
        bool ended = false;
        while (!ended)
        {
            bool last = _stop;
            long start = Stopwatch.GetTimestamp();
            try
            {
                var socket = KernelSocket.Connect(server);
                bytes[0] = last ? KernelServer.LastRequest : Request;
                socket.SendAll(bytes);
                socket.ReceiveAll(bytes);
                socket.Close();
                ended = last;
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or EndOfStreamException)
            {
                Failures++;
            }

            _times.Add(Stopwatch.GetTimestamp() - start);
            var rest = s_period - Stopwatch.GetElapsedTime(start);
            if (rest > TimeSpan.Zero)
            {
                Thread.Sleep(rest);
            }
        }

        return true;
    }
}

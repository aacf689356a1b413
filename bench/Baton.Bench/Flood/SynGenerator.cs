using System.Net;
using Baton.Bench.Machine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Flood;

/// <summary>
/// Sends SYNs at an even pace, each from another address of 10.0.0.0/8 and another port: an XDP socket that only sends, on an
/// interface of the client's, on the client's core and ahead of it. What it cannot send in time it leaves out, and a quarter
/// of the core is always the clients'.
/// </summary>
internal sealed class SynGenerator : IDisposable
{
    /// <summary>SYNs a second that are asked for.</summary>
    public const int Rate = 500_000;

    private const int Burst = 64;
    private const int RingLength = 256;
    private const int Priority = 3;

    private readonly TimeSpan _period;
    private readonly SynFrame _frame;
    private readonly Task<double> _running;
    private ulong _state = 0x9E37_79B9_7F4A_7C15;
    private int _chunk;
    private volatile bool _stop;

    /// <summary>Begins at once.</summary>
    /// <param name="networkNamespace">The client's.</param>
    /// <param name="name">The interface there.</param>
    /// <param name="to">The receiver's Ethernet address.</param>
    /// <param name="service">Where the SYNs go.</param>
    /// <param name="rate">How many a second.</param>
    public SynGenerator(string networkNamespace, string name, MacAddress to, IPEndPoint service, int rate = Rate)
    {
        _period = TimeSpan.FromSeconds((double)Burst / rate);
        _frame = new SynFrame(to, service);
        var socket = NetworkNamespace.Run(networkNamespace, () =>
        {
            using var device = new KernelInterface(name);
            return new XdpSocket(name, device.Index, queue: 0, RingLength);
        });
        _running = Cores.RunOn(Cores.Client, "flood", () =>
        {
            using (socket)
            {
                return Send(socket);
            }
        });
    }

    /// <summary>Ends it; SYNs a second that were sent.</summary>
    public double Stop()
    {
        _stop = true;
        return _running.GetAwaiter().GetResult();
    }

    public void Dispose() => Stop();

    private double Send(XdpSocket socket)
    {
        Cores.Pin(Cores.Client, Priority);
        PollSet.TightenTimers();
        using var clock = new PollSet();
        long sent = 0;
        var start = MonotonicClock.Now;
        var next = start;
        while (!_stop)
        {
            var began = MonotonicClock.Now;
            sent += SendBurst(socket);
            var ended = MonotonicClock.Now;
            next = Instant.Max(next + _period, ended + (ended - began) / 3);
            while (MonotonicClock.Now < next)
            {
                clock.Wait(MonotonicClock.Now, next);
            }
        }

        return sent / (MonotonicClock.Now - start).TotalSeconds;
    }

    /// <summary>Frames are copied when they are sent, so that a chunk is free before its completion is read.</summary>
    private int SendBurst(XdpSocket socket)
    {
        socket.Completed.Consume(socket.Completed.Waiting);
        int count = Math.Min(Burst, socket.Sent.Free);
        for (int i = 0; i < count; i++)
        {
            ulong address = (ulong)(RingLength + (_chunk++ & (RingLength - 1))) * XdpSocket.ChunkLength + XdpSocket.MetadataLength;
            _state ^= _state << 13;
            _state ^= _state >> 7;
            _state ^= _state << 17;
            _frame.Write(
                socket.Memory(address, SynFrame.Length), 0x0A00_0000 | (uint)_state & 0xFF_FFFF, (ushort)(_state >> 24 | 1024), (uint)(_state >> 32));
            socket.Sent[i] = new XdpDescriptor { Address = address, Length = SynFrame.Length };
        }

        socket.Sent.Produce(count);
        for (int kick = 0; kick < Burst && socket.Sent.Free < RingLength; kick++)
        {
            Kick(socket);
            socket.Completed.Consume(socket.Completed.Waiting);
        }

        return count;
    }

    /// <summary>Safe: the call is given no memory.</summary>
    private static unsafe void Kick(XdpSocket socket) => _ = Syscalls.SendTo(socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, 0);
}

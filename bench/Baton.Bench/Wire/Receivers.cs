using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Wire;

/// <summary>What takes the frames of the front's queue, a burst at each call, on the server's core.</summary>
internal interface IWireReceiver : IDisposable
{
    /// <summary>Frames taken, or forwarded if that is what it does.</summary>
    long Done { get; }

    void Run();
}

/// <summary>An XDP socket and the least of a loop: a byte of each frame is read; or its addresses are swapped and it goes back.</summary>
internal sealed class BareLoop : IWireReceiver
{
    private const int RingLength = 2048, Burst = 64;

    private readonly XdpSocket _socket;
    private readonly XdpDevice _device;
    private readonly bool _forwards;
    private long _sum;

    public BareLoop(WireNetwork network, bool forwards)
    {
        _forwards = forwards;
        (_socket, _device) = NetworkNamespace.Run(network.Node, () =>
        {
            var socket = new XdpSocket("front", network.Front.Index, queue: 0, RingLength);
            try
            {
                return (socket, new XdpDevice("front", network.Front.Index, XdpPlace.Native, nic: null, network.Node, network.Front.Address, vlan: 0));
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        });
        for (int i = 0; i < RingLength; i++)
        {
            _socket.Fill[i] = (ulong)i * XdpSocket.ChunkLength;
        }

        _socket.Fill.Produce(RingLength);
        _device.Connect(_socket);
    }

    public long Done { get; private set; }

    public void Run()
    {
        var ring = _socket.Received;
        int count = Math.Min(ring.Waiting, Burst);
        if (_forwards)
        {
            Forward(Math.Min(count, _socket.Sent.Free));
        }
        else if (count > 0)
        {
            for (int i = 0; i < count; i++)
            {
                var descriptor = ring[i];
                _sum += _socket.Memory(descriptor.Address, (int)descriptor.Length)[0];
                _socket.Fill[i] = descriptor.Address & ~(ulong)(XdpSocket.ChunkLength - 1);
            }

            ring.Consume(count);
            _socket.Fill.Produce(count);
            Done += count;
        }

        if (_socket.Fill.NeedsWakeup)
        {
            Wake(receives: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device.Disconnect();
        _socket.Dispose();
        GC.KeepAlive(_sum);
    }

    private void Forward(int count)
    {
        if (count > 0)
        {
            for (int i = 0; i < count; i++)
            {
                var descriptor = _socket.Received[i];
                SwapAddresses(_socket.Memory(descriptor.Address, (int)descriptor.Length));
                _socket.Sent[i] = new XdpDescriptor { Address = descriptor.Address, Length = descriptor.Length };
            }

            _socket.Received.Consume(count);
            _socket.Sent.Produce(count);
            Done += count;
        }

        while (_socket.Sent.Free < RingLength && _socket.Sent.NeedsWakeup)
        {
            Wake(receives: false);
            Refill();
        }

        Refill();
    }

    private void Refill()
    {
        int count = _socket.Completed.Waiting;
        for (int i = 0; i < count; i++)
        {
            _socket.Fill[i] = _socket.Completed[i] & ~(ulong)(XdpSocket.ChunkLength - 1);
        }

        if (count > 0)
        {
            _socket.Completed.Consume(count);
            _socket.Fill.Produce(count);
        }
    }

    public static void SwapAddresses(Span<byte> frame)
    {
        Span<byte> address = stackalloc byte[MacAddress.Length];
        frame[..MacAddress.Length].CopyTo(address);
        frame.Slice(MacAddress.Length, MacAddress.Length).CopyTo(frame);
        address.CopyTo(frame[MacAddress.Length..]);
    }

    /// <summary>Safe: the calls are given no memory.</summary>
    private unsafe void Wake(bool receives) => _ = receives
        ? Syscalls.ReceiveFrom(_socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, null)
        : Syscalls.SendTo(_socket.Descriptor, null, 0, Syscalls.MSG_DONTWAIT, null, 0);
}

/// <summary>The same by the project's link.</summary>
internal sealed class LinkLoop(XdpLink link, bool forwards) : IWireReceiver, IFrameReceiver
{
    private const int Burst = 64;
    private long _sum;

    public long Done { get; private set; }

    public void Run()
    {
        if (link.Receive(this, Burst) > 0 || link.NextDeadline != Instant.Never)
        {
            link.Flush();
        }
    }

    public void OnFrame(ILink from, FrameOffload offload, Span<byte> frame)
    {
        if (!forwards)
        {
            _sum += frame[0];
            Done++;
            return;
        }

        BareLoop.SwapAddresses(frame);
        Done += link.TrySend(FrameOffload.None, frame, default) ? 1 : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        link.Dispose();
        GC.KeepAlive(_sum);
    }
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Baton.Link;

namespace Baton.RealPackets.Tests;

/// <summary>What the router's kernel passes, on all its interfaces: a packet socket in its namespace.</summary>
internal sealed class RouterCapture : IDisposable
{
    private const int SOL_SOCKET = 1, SO_RCVBUFFORCE = 33, BufferLength = 64 << 20;

    private readonly Socket _socket;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<byte[]> _frames = new();

    public RouterCapture(RealNetwork network)
    {
        _socket = NetworkNamespace.Run(network.Router, () => new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified));
        try
        {
            _socket.SetRawSocketOption(SOL_SOCKET, SO_RCVBUFFORCE, BitConverter.GetBytes(BufferLength));
        }
        catch (SocketException denied) when (denied.SocketErrorCode == SocketError.AccessDenied)
        {
            // In a user namespace the machine's limit holds.
            _socket.ReceiveBufferSize = BufferLength;
        }

        // It receives from here on, so that nothing meets the short buffer that it was made with.
        _socket.Bind(new EveryFrame());
        _socket.ReceiveTimeout = 100;
        _thread = new Thread(Receive) { IsBackground = true, Name = "router capture" };
        _thread.Start();
    }

    /// <summary>What has been seen so far.</summary>
    public List<CapturedPacket> Packets => [.. _frames.Select(frame => new CapturedPacket(0, CaptureDirection.Unknown, frame))];

    public void Dispose()
    {
        _socket.Dispose();
        _thread.Join();
    }

    private void Receive()
    {
        byte[] buffer = new byte[1 << 17];
        while (true)
        {
            try
            {
                _frames.Enqueue(buffer[.._socket.Receive(buffer)]);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>All interfaces and protocols, as packet(7) writes them: <c>sockaddr_ll</c> with ETH_P_ALL.</summary>
    private sealed class EveryFrame : EndPoint
    {
        private const int Length = 20, ProtocolAt = 2;
        private const ushort ETH_P_ALL = 3;

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, Length);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[ProtocolAt..], ETH_P_ALL);
            return address;
        }
    }
}

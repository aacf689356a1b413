using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace Baton.Bench.Machine;

/// <summary>A TCP socket of the kernel, blocking, used by one thread. Opened in the calling thread's network namespace.</summary>
internal readonly unsafe struct KernelSocket(int descriptor)
{
    // Nothing here waits longer: a benchmark that hangs fails.
    private const long TimeoutSeconds = 10;
    private const int Backlog = 1024;

    public int Descriptor => descriptor;

    public static KernelSocket Listen(IPEndPoint local)
    {
        var socket = Open(Libc.SOCK_NONBLOCK);
        socket.SetOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        var address = Address(local);
        Check(Libc.Bind(socket.Descriptor, &address, (uint)sizeof(SocketAddress)), "bind");
        Check(Libc.Listen(socket.Descriptor, Backlog), "listen");
        return socket;
    }

    /// <summary>Connects; looks for the answer for <paramref name="spin"/>, then waits for it.</summary>
    /// <param name="remote">Where to.</param>
    /// <param name="spin">How long it looks.</param>
    /// <param name="receiveBuffer">Bytes of its receive buffer; 0 leaves that to the kernel.</param>
    /// <param name="port">Its own port; 0 leaves that to the kernel.</param>
    public static KernelSocket Connect(IPEndPoint remote, TimeSpan spin = default, int receiveBuffer = 0, int port = 0)
    {
        var socket = Open(Libc.SOCK_NONBLOCK);
        if (port != 0)
        {
            var own = Address(new(IPAddress.Any, port));
            socket.SetOption(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
            Check(Libc.Bind(socket.Descriptor, &own, (uint)sizeof(SocketAddress)), $"bind to port {port}");
        }

        if (receiveBuffer > 0)
        {
            socket.SetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUF, receiveBuffer);
        }

        var address = Address(remote);
        if (Libc.Connect(socket.Descriptor, &address, (uint)sizeof(SocketAddress)) != 0)
        {
            Check(Libc.LastError == Libc.EINPROGRESS ? 0 : -1, $"connect to {remote}");
            socket.AwaitConnected(remote, spin);
        }

        Check(Libc.SetFlags(socket.Descriptor, Libc.F_SETFL, 0), "fcntl");
        socket.SetOption(Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        return socket;
    }

    /// <summary>Looks for a connection for <paramref name="spin"/>, then waits for one.</summary>
    public KernelSocket AcceptSpinning(TimeSpan spin)
    {
        long start = Stopwatch.GetTimestamp();
        int accepted;
        while ((accepted = Libc.Accept(descriptor, null, null, Libc.SOCK_CLOEXEC)) < 0)
        {
            Check(Libc.LastError is Libc.EAGAIN or Libc.EINTR ? 0 : -1, "accept");
            if (Stopwatch.GetElapsedTime(start) > spin)
            {
                var request = new PollRequest { Descriptor = descriptor, Wanted = Libc.POLLIN };
                Check(Libc.Poll(&request, 1, (int)TimeoutSeconds * 1000) != 0 ? 0 : -1, "no connection came");
            }
        }

        var socket = new KernelSocket(accepted);
        socket.SetTimeouts();
        socket.SetOption(Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        return socket;
    }

    /// <summary>Bytes received, 0 at the stream's end, or -1 on an error, "nothing there yet" among them.</summary>
    public int Receive(Span<byte> buffer, int flags = 0)
    {
        fixed (byte* start = buffer)
        {
            nint received;
            do
            {
                received = Libc.Receive(descriptor, start, (nuint)buffer.Length, flags);
            }
            while (received < 0 && Libc.LastError == Libc.EINTR);
            return (int)received;
        }
    }

    /// <summary>Looks for data for <paramref name="spin"/>, then waits for them: as the engine's shard does.</summary>
    public int ReceiveSpinning(Span<byte> buffer, TimeSpan spin)
    {
        long start = 0;
        while (true)
        {
            int received = Receive(buffer, Libc.MSG_DONTWAIT);
            if (received >= 0 || Libc.LastError != Libc.EAGAIN)
            {
                return received;
            }

            long now = Stopwatch.GetTimestamp();
            start = start == 0 ? now : start;
            if (Stopwatch.GetElapsedTime(start, now) > spin)
            {
                return Receive(buffer);
            }
        }
    }

    /// <summary>Bytes sent, or -1 on an error.</summary>
    public int Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nint sent;
            do
            {
                sent = Libc.Send(descriptor, start, (nuint)bytes.Length, Libc.MSG_NOSIGNAL);
            }
            while (sent < 0 && Libc.LastError == Libc.EINTR);
            return (int)sent;
        }
    }

    public void SendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int sent = Send(bytes);
            Check(sent, "send");
            bytes = bytes[sent..];
        }
    }

    /// <summary>Fills the buffer.</summary>
    public void ReceiveAll(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int received = Receive(buffer);
            Check(received, "recv");
            if (received == 0)
            {
                throw new EndOfStreamException("the server closed the connection too early");
            }

            buffer = buffer[received..];
        }
    }

    /// <summary>Sends by a congestion control of the kernel's; what is accepted does so too. A namespace may only be given some as its default.</summary>
    public void UseCongestionControl(string name)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(name);
        fixed (byte* start = bytes)
        {
            Check(Libc.SetOption(descriptor, Libc.IPPROTO_TCP, Libc.TCP_CONGESTION, start, (uint)bytes.Length), $"congestion control {name}");
        }
    }

    public void ShutdownWrite() => Check(Libc.Shutdown(descriptor, Libc.SHUT_WR), "shutdown");

    public void Close() => _ = Libc.Close(descriptor);

    /// <summary>Ends the connection with a reset, and leaves nothing of it behind.</summary>
    public void Reset()
    {
        int* linger = stackalloc int[] { 1, 0 };
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 2 * sizeof(int)), "setsockopt");
        Close();
    }

    private static KernelSocket Open(int flags = 0)
    {
        int opened = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC | flags, 0);
        Check(opened, "socket");
        var socket = new KernelSocket(opened);
        socket.SetTimeouts();
        return socket;
    }

    private static SocketAddress Address(IPEndPoint endPoint) => new()
    {
        Family = Libc.AF_INET,
        Port = BinaryPrimitives.ReverseEndianness((ushort)endPoint.Port),
        Address = BitConverter.ToUInt32(endPoint.Address.GetAddressBytes()),
    };

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new Win32Exception(Libc.LastError, $"{call}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(Libc.LastError)}");
        }
    }

    private void AwaitConnected(IPEndPoint remote, TimeSpan spin)
    {
        long start = Stopwatch.GetTimestamp();
        var request = new PollRequest { Descriptor = descriptor, Wanted = Libc.POLLOUT };
        int answered;
        while ((answered = Libc.Poll(&request, 1, 0)) == 0 && Stopwatch.GetElapsedTime(start) <= spin)
        {
        }

        if (answered == 0)
        {
            answered = Libc.Poll(&request, 1, (int)TimeoutSeconds * 1000);
        }

        Check(answered > 0 && request.Returned == Libc.POLLOUT ? 0 : -1, $"connect to {remote}");
    }

    private void SetTimeouts()
    {
        long* time = stackalloc long[] { TimeoutSeconds, 0 };
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, time, 2 * sizeof(long)), "setsockopt");
        Check(Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, time, 2 * sizeof(long)), "setsockopt");
    }

    private void SetOption(int level, int name, int value) => Check(Libc.SetOption(descriptor, level, name, &value, sizeof(int)), "setsockopt");
}

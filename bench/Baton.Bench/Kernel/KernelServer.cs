using System.Net;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Kernel;

/// <summary>The kernel's side: the same tasks as the own stack's, by one thread on the server's core.</summary>
internal sealed class KernelServer(string networkNamespace, IPAddress address, TimeSpan spin)
{
    /// <summary>The request that ends <see cref="ServeOneAfterAnother"/>.</summary>
    public const byte LastRequest = 0;

    private readonly Dictionary<ServerTask, KernelSocket> _listeners = NetworkNamespace.Run(networkNamespace, () =>
        Enum.GetValues<ServerTask>().ToDictionary(task => task, task => KernelSocket.Listen(new(address, (int)task))));

    /// <summary>Serves so many connections until they are closed.</summary>
    public Task<bool> Serve(ServerTask task, int connections) => Cores.RunOn(Cores.Server, "kernel server", () =>
    {
        var sockets = new KernelSocket[connections];
        for (int i = 0; i < connections; i++)
        {
            sockets[i] = _listeners[task].AcceptSpinning(spin);
        }

        switch (task)
        {
            case ServerTask.Sink:
                Sink(sockets[0]);
                break;
            case ServerTask.Source:
                Source(sockets[0]);
                break;
            case ServerTask.Echo when connections == 1:
                Echo(sockets[0]);
                break;
            default:
                EchoAll(sockets);
                break;
        }

        foreach (var socket in sockets)
        {
            socket.Close();
        }

        return true;
    });

    /// <summary>Echoes connections one after another until one brings <see cref="LastRequest"/>.</summary>
    /// <param name="task">The port.</param>
    /// <param name="priority">Of its thread, above those of a lower one.</param>
    public Task<bool> ServeOneAfterAnother(ServerTask task = ServerTask.Echo, int priority = 1) => Cores.RunOn(Cores.Server, "kernel server", () =>
    {
        Cores.Pin(Cores.Server, priority);
        Span<byte> request = stackalloc byte[1];
        bool last = false;
        while (!last)
        {
            var socket = _listeners[task].AcceptSpinning(spin);
            while (socket.ReceiveSpinning(request, spin) > 0)
            {
                last = request[0] == LastRequest;
                socket.Send(request);
            }

            socket.Close();
        }

        return true;
    });

    private void Sink(KernelSocket socket)
    {
        byte[] buffer = new byte[Pattern.MaxChunk];
        long position = 0;
        bool intact = true;
        int received;
        while ((received = socket.ReceiveSpinning(buffer, spin)) > 0)
        {
            intact &= Pattern.Matches(position, buffer.AsSpan(0, received));
            position += received;
        }

        Span<byte> report = stackalloc byte[SinkReport.Length];
        SinkReport.Write(report, position, intact);
        socket.SendAll(report);
    }

    private static void Source(KernelSocket socket)
    {
        long position = 0;
        int sent;
        while ((sent = socket.Send(Pattern.At(position))) > 0)
        {
            position += sent;
        }
    }

    private void Echo(KernelSocket socket)
    {
        Span<byte> buffer = stackalloc byte[64];
        int received;
        while ((received = socket.ReceiveSpinning(buffer, spin)) > 0)
        {
            socket.Send(buffer[..received]);
        }
    }

    private void EchoAll(KernelSocket[] sockets)
    {
        using var readiness = new Readiness();
        for (int i = 0; i < sockets.Length; i++)
        {
            readiness.Add(sockets[i], i);
        }

        Span<byte> buffer = stackalloc byte[64];
        int open = sockets.Length;
        var ended = new bool[sockets.Length];
        while (open > 0)
        {
            int ready = readiness.Wait(spin);
            for (int i = 0; i < ready; i++)
            {
                int number = readiness[i];
                int received = sockets[number].Receive(buffer, Libc.MSG_DONTWAIT);
                if (received > 0)
                {
                    sockets[number].Send(buffer[..received]);
                }
                else if (received == 0 && !ended[number])
                {
                    ended[number] = true;
                    open--;
                }
            }
        }
    }
}

using System.Diagnostics;
using System.Net;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Paths;

/// <summary>Downloads by kernel sockets, one thread for each connection, every byte compared.</summary>
internal static class Download
{
    private const int ReadLength = 64 << 10;

    /// <summary>Downloads on several connections at once, and counts once all have begun and <paramref name="warmUp"/> is over.</summary>
    /// <returns>Bits a second of all connections together.</returns>
    public static double Run(string networkNamespace, IPEndPoint server, int flows, TimeSpan warmUp, TimeSpan time)
    {
        var received = new long[flows];
        using var begun = new CountdownEvent(flows);
        using var stop = new CancellationTokenSource();
        var running = Enumerable.Range(0, flows).Select(flow => Task.Factory.StartNew(
            () => NetworkNamespace.Run(networkNamespace, () => Receive(server, received, flow, begun, stop.Token)),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        var failed = Task.WhenAny(running);
        while (!begun.Wait(TimeSpan.FromMilliseconds(10)) && !failed.IsCompleted)
        {
        }

        failed.Wait(warmUp);
        long start = Stopwatch.GetTimestamp();
        long before = Sum(received);
        failed.Wait(time);
        long after = Sum(received);
        var elapsed = Stopwatch.GetElapsedTime(start);
        stop.Cancel();
        Task.WaitAll(running);
        return (after - before) * 8 / elapsed.TotalSeconds;
    }

    private static long Sum(long[] received)
    {
        long sum = 0;
        for (int i = 0; i < received.Length; i++)
        {
            sum += Volatile.Read(ref received[i]);
        }

        return sum;
    }

    private static void Receive(IPEndPoint server, long[] received, int flow, CountdownEvent begun, CancellationToken stop)
    {
        byte[] buffer = new byte[ReadLength];
        var socket = KernelSocket.Connect(server);
        while (!stop.IsCancellationRequested)
        {
            int length = socket.Receive(buffer);
            if (length <= 0)
            {
                throw new BenchException("the download broke off");
            }

            if (!Pattern.Matches(received[flow], buffer.AsSpan(0, length)))
            {
                throw new BenchException("the download arrived changed");
            }

            if (received[flow] == 0)
            {
                begun.Signal();
            }

            Volatile.Write(ref received[flow], received[flow] + length);
        }

        socket.Reset();
    }
}

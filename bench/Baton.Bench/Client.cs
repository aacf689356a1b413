using System.Diagnostics;
using System.Net;
using Baton.Bench.Kernel;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench;

/// <summary>What one measurement gave.</summary>
/// <param name="Rate">Bytes, requests or connections per second.</param>
/// <param name="Median">The median latency in nanoseconds, where there is one.</param>
/// <param name="P99">The latency that 99 % do not exceed, in nanoseconds.</param>
internal readonly record struct Measurement(double Rate, double Median = double.NaN, double P99 = double.NaN);

/// <summary>
/// The client program, the same for both servers: kernel sockets, one thread on the client's core, which looks for an
/// answer as long as the servers do for a request before it sleeps. All data that come are compared with what must come.
/// </summary>
internal sealed class Client(string networkNamespace, TimeSpan spin)
{
    private readonly long[] _latencies = new long[1 << 21];

    /// <summary>Sends the pattern for a time; the rate is that of the bytes that the server has compared.</summary>
    public Measurement Upload(IPAddress server, TimeSpan time) => Run(() =>
    {
        var socket = Connect(server, ServerTask.Sink);
        long start = Stopwatch.GetTimestamp();
        long position = 0;
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            int sent = socket.Send(Pattern.At(position));
            Require(sent > 0, "the upload broke off");
            position += sent;
        }

        socket.ShutdownWrite();
        Span<byte> bytes = stackalloc byte[SinkReport.Length];
        socket.ReceiveAll(bytes);
        var elapsed = Stopwatch.GetElapsedTime(start);
        socket.Close();
        var report = SinkReport.Read(bytes);
        Require(report.Intact && report.Bytes == position, "the upload arrived changed");
        return new Measurement(position / elapsed.TotalSeconds);
    });

    /// <summary>Receives the pattern for a time, comparing it.</summary>
    public Measurement Download(IPAddress server, TimeSpan time, Action? onConnected = null) => Run(() =>
    {
        byte[] buffer = new byte[Pattern.MaxChunk];
        var socket = Connect(server, ServerTask.Source);
        onConnected?.Invoke();
        long start = Stopwatch.GetTimestamp();
        long position = 0;
        TimeSpan elapsed;
        while ((elapsed = Stopwatch.GetElapsedTime(start)) < time)
        {
            int received = socket.Receive(buffer);
            Require(received > 0, "the download broke off");
            Require(Pattern.Matches(position, buffer.AsSpan(0, received)), "the download arrived changed");
            position += received;
        }

        socket.Close();
        return new Measurement(position / elapsed.TotalSeconds);
    });

    /// <summary>One byte there, one byte back, again and again.</summary>
    public Measurement RequestResponse(IPAddress server, TimeSpan time) => Run(() =>
    {
        var socket = Connect(server, ServerTask.Echo);
        Span<byte> request = stackalloc byte[1];
        Span<byte> response = stackalloc byte[1];
        long limit = (long)(time.TotalSeconds * Stopwatch.Frequency);
        long start = Stopwatch.GetTimestamp();
        long last = start;
        int count = 0;
        while (last - start < limit && count < _latencies.Length)
        {
            request[0] = (byte)(count | 1);
            socket.SendAll(request);
            Require(socket.ReceiveSpinning(response, spin) == 1 && response[0] == request[0], "an answer is wrong");
            long now = Stopwatch.GetTimestamp();
            _latencies[count++] = now - last;
            last = now;
        }

        socket.Close();
        var latencies = _latencies.AsSpan(0, count);
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        double p99 = Statistics.Percentile(latencies, 0.99) * nanoseconds;
        return new Measurement(count / Stopwatch.GetElapsedTime(start, last).TotalSeconds, Statistics.Percentile(latencies, 0.5) * nanoseconds, p99);
    });

    /// <summary>One byte there and back on each of many connections: all requests go out before the first answer is awaited.</summary>
    public Measurement ParallelRequests(IPAddress server, int connections, TimeSpan time, Action? onConnected = null) => Run(() =>
    {
        var sockets = new KernelSocket[connections];
        for (int i = 0; i < connections; i++)
        {
            sockets[i] = Connect(server, ServerTask.Echo);
        }

        onConnected?.Invoke();

        Span<byte> request = stackalloc byte[1];
        Span<byte> response = stackalloc byte[1];
        long start = Stopwatch.GetTimestamp();
        long rounds = 0;
        TimeSpan elapsed;
        while ((elapsed = Stopwatch.GetElapsedTime(start)) < time)
        {
            request[0] = (byte)(++rounds | 1);
            foreach (var socket in sockets)
            {
                socket.SendAll(request);
            }

            foreach (var socket in sockets)
            {
                Require(socket.ReceiveSpinning(response, spin) == 1 && response[0] == request[0], "an answer is wrong");
            }
        }

        foreach (var socket in sockets)
        {
            socket.Close();
        }

        return new Measurement(rounds * connections / elapsed.TotalSeconds);
    });

    /// <summary>Connects, asks one byte, gets one, closes; again and again.</summary>
    public Measurement Connections(IPAddress server, TimeSpan time) => Run(() =>
    {
        Span<byte> request = stackalloc byte[1];
        Span<byte> response = stackalloc byte[1];
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        TimeSpan elapsed = default;
        for (bool last = false; !last;)
        {
            elapsed = Stopwatch.GetElapsedTime(start);
            last = elapsed >= time;
            request[0] = last ? KernelServer.LastRequest : (byte)(count | 1);
            var socket = Connect(server, ServerTask.Echo);
            socket.SendAll(request);
            Require(socket.ReceiveSpinning(response, spin) == 1 && response[0] == request[0], "an answer is wrong");
            socket.Close();
            count += last ? 0 : 1;
        }

        return new Measurement(count / elapsed.TotalSeconds);
    });

    private KernelSocket Connect(IPAddress server, ServerTask task) => KernelSocket.Connect(new(server, (int)task), spin);

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new BenchException(problem);
        }
    }

    private Measurement Run(Func<Measurement> measure) => NetworkNamespace.Run(networkNamespace, () =>
    {
        Cores.Pin(Cores.Client);
        return measure();
    });
}

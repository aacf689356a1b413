using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Baton.Samples;

namespace Baton.Node.Demo;

/// <summary>A download and an upload by <c>curl</c>, each moved A, B, C, A while it runs (R28, R31, R32).</summary>
internal sealed class Transfers(DemoFarm farm, DemoClient client, DemoView view, DemoReport report, long size)
{
    private const ulong UploadKey = 0x7570_6C6F_6164_0001;
    private const int ChunkLength = 1 << 20;

    private string Url(string path) => $"http://{farm.Plan.Service(DemoConfiguration.FilesPort)}{path}";

    /// <summary>The download: what curl wrote must have the hash of what the generator makes.</summary>
    public async Task DownloadAsync(CancellationToken cancellation)
    {
        var step = view.Begin("download");
        var clock = Stopwatch.StartNew();
        using var curl = client.Curl(AddressPlan.DownloadPort, Url(string.Create(CultureInfo.InvariantCulture, $"/stream/{size}")));
        curl.StandardInput.Close();
        var errors = curl.StandardError.ReadToEndAsync(cancellation);
        var schedule = new MoveSchedule(farm, step, AddressPlan.DownloadPort, size, c => c.AcknowledgedBytes);
        var moving = schedule.RunAsync(cancellation);
        var (digest, length) = await RunAsync(curl, HashAsync(curl.StandardOutput.BaseStream, cancellation), moving, errors, cancellation, schedule);
        double seconds = clock.Elapsed.TotalSeconds;
        string expected = await Task.Run(() => Convert.ToHexStringLower(ExpectedHash(Dispatcher.StreamKey)), cancellation);
        bool held = report.Check("download: SHA-256 of what curl wrote is the generator's", digest == expected && length == size, digest);
        Add("download", AddressPlan.DownloadPort, seconds, digest, schedule);
        step.Done(held, Rate(seconds) + (held ? ", SHA-256 right" : ", SHA-256 WRONG"));
    }

    /// <summary>The upload: the last node's hash over what three nodes read must be that of what curl sent.</summary>
    public async Task UploadAsync(CancellationToken cancellation)
    {
        var step = view.Begin("upload");
        var clock = Stopwatch.StartNew();
        using var curl = client.Curl(
            AddressPlan.UploadPort, "--upload-file", "-", "--header", "Transfer-Encoding:",
            "--header", string.Create(CultureInfo.InvariantCulture, $"Content-Length: {size}"), Url("/upload/file"));
        var errors = curl.StandardError.ReadToEndAsync(cancellation);
        var schedule = new MoveSchedule(farm, step, AddressPlan.UploadPort, size, c => c.ReceivedBytes);
        var moving = schedule.RunAsync(cancellation);
        var sending = SendAsync(curl.StandardInput.BaseStream, cancellation);
        var answering = curl.StandardOutput.ReadToEndAsync(cancellation);
        var (expected, _) = await RunAsync(curl, sending, moving, errors, cancellation, schedule);
        double seconds = clock.Elapsed.TotalSeconds;
        string[] answer = (await answering).Trim().Split(' ');
        string digest = answer[0];
        bool held = report.Check("upload: the last node's SHA-256 over what three nodes read is curl's", digest == expected && answer[^1] == "a", $"{digest} by {answer[^1]}");
        Add("upload", AddressPlan.UploadPort, seconds, digest, schedule);
        step.Done(held, Rate(seconds) + (held ? ", SHA-256 right" : ", SHA-256 WRONG"));
    }

    /// <summary>The content-based request (R11): A reads it, the holder answers it. Gives the content's right hash or not.</summary>
    public async Task ContentAsync(int port, CancellationToken cancellation)
    {
        var step = view.Begin("by content");
        using var curl = client.Curl(port, Url("/content/" + DemoConfiguration.ContentName));
        curl.StandardInput.Close();
        var errors = curl.StandardError.ReadToEndAsync(cancellation);
        var (digest, length) = await RunAsync(curl, HashAsync(curl.StandardOutput.BaseStream, cancellation), Task.CompletedTask, errors, cancellation);
        var content = new byte[DemoConfiguration.ContentLength];
        new GeneratedStream(DemoConfiguration.ContentKey).Fill(0, content);
        bool held = report.Check(
            "by content: A read the request, the holder of the content answered it whole",
            digest == Convert.ToHexStringLower(SHA256.HashData(content)) && length == DemoConfiguration.ContentLength,
            $"{DemoConfiguration.ContentName} held by {DemoConfiguration.ContentHolder}");
        step.Done(held, $"/content/{DemoConfiguration.ContentName}: read by a, served by {DemoConfiguration.ContentHolder}, {length >> 20} MiB");
    }

    /// <summary>Waits for curl with everything that goes on beside it; what fails first ends the rest.</summary>
    private async Task<T> RunAsync<T>(Process curl, Task<T> data, Task moving, Task<string> errors, CancellationToken cancellation, MoveSchedule? schedule = null)
    {
        try
        {
            var exited = curl.WaitForExitAsync(cancellation);
            await await Task.WhenAny(Task.WhenAll(moving, data), exited);
            await exited;
            if (curl.ExitCode != 0)
            {
                throw new DemoException($"curl ended with status {curl.ExitCode}: {(await errors).Trim()}");
            }

            await moving.WaitAsync(TimeSpan.FromSeconds(1), cancellation);
            return await data;
        }
        catch (TimeoutException)
        {
            throw new DemoException($"The transfer ended before all its moves were made; awaited was {schedule?.Waiting}.");
        }
        catch (IOException) when (curl.WaitForExit(TimeSpan.FromSeconds(1)))
        {
            throw new DemoException($"curl ended with status {curl.ExitCode}: {(await errors).Trim()}");
        }
        finally
        {
            if (!curl.HasExited)
            {
                curl.Kill(entireProcessTree: true);
            }

            farm.RequireRunning();
        }
    }

    private void Add(string name, int port, double seconds, string digest, MoveSchedule schedule)
    {
        report.Transfers.Add(new(name, farm.Plan.ClientName(port), size, seconds, digest, schedule.Handoffs));
        report.Handoffs.AddRange(schedule.Handoffs);
    }

    private string Rate(double seconds) => string.Create(
        CultureInfo.InvariantCulture, $"{size >> 20} MiB in {seconds:0.0} s, {size / seconds / (1 << 20):0} MiB/s");

    private static async Task<(string Digest, long Length)> HashAsync(Stream stream, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkLength);
        long length = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            length += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), length);
    }

    private async Task<(string Digest, long Length)> SendAsync(Stream stream, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var generator = new GeneratedStream(UploadKey);
        var buffer = new byte[ChunkLength];
        for (long at = 0; at < size; at += ChunkLength)
        {
            var chunk = buffer.AsMemory(0, (int)Math.Min(ChunkLength, size - at));
            generator.Fill((ulong)at, chunk.Span);
            hash.AppendData(chunk.Span);
            await stream.WriteAsync(chunk, cancellation);
        }

        stream.Close();
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), size);
    }

    private byte[] ExpectedHash(ulong key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var generator = new GeneratedStream(key);
        var buffer = new byte[ChunkLength];
        for (long at = 0; at < size; at += ChunkLength)
        {
            var chunk = buffer.AsSpan(0, (int)Math.Min(ChunkLength, size - at));
            generator.Fill((ulong)at, chunk);
            hash.AppendData(chunk);
        }

        return hash.GetHashAndReset();
    }
}

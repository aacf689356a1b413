using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Baton.Engine.Tests;
using Baton.Testing;
using Microsoft.AspNetCore.Hosting;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>What is on the wire at the client, read by tshark with the nodes' key logs.</summary>
public sealed class TlsCaptureTests
{
    public static bool CanRun => KernelNetwork.IsRoot && Tshark.IsInstalled;

    [Fact(Skip = "needs root and tshark (Debian: apt-get install tshark)", SkipUnless = nameof(CanRun))]
    public async Task Records_of_three_nodes_decrypt_as_one_unbroken_sequence()
    {
        const int Requests = 24;
        string directory = Directory.CreateTempSubdirectory("baton-tls-").FullName;
        string keys = Path.Combine(directory, "keys");
        string capture = Path.Combine(directory, "capture.pcapng");
        try
        {
            await using var farm = await WebFarm.StartAsync(3, TlsServer.Map, listen: (listen, _) => listen.UseBatonTls(options =>
            {
                options.ServerCertificate = TestCertificates.Server;
                options.KeyLogFile = keys;
            }));
            using var capturing = await StartCaptureAsync(farm.Namespace, capture);
            try
            {
                await using (var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream))
                {
                    for (int i = 0; i < Requests; i++)
                    {
                        string get = $"GET /?{i} HTTP/1.1\r\nHost: farm.test\r\n\r\n";
                        Assert.Contains($"hello by n{i % 3 + 1}", await TlsClients.AskAsync(tls, get, "\n\r\n0\r\n\r\n"));
                        Assert.True((await farm.MoveAsync(i % 3 + 1, (i + 1) % 3 + 1)).Moved);
                    }

                    await tls.ShutdownAsync();
                    Assert.Equal(0, await tls.ReadAsync(new byte[1], WebFarm.Patience()));
                }

                await EndCaptureAsync(farm, capturing, capture);
            }
            finally
            {
                capturing.Kill();
            }

            string[] common = ["-r", capture, "-o", $"tls.keylog_file:{keys}", "-d", "tcp.port==80,tls", "-T", "fields", "-E", "separator=|"];
            string said = await TlsServer.RunAsync("tshark", "", [
                .. common, "-Y", "http", "-e", "http.request.uri", "-e", "http.response.code", "-e", "http.file_data"]);
            var expected = Enumerable.Range(0, Requests).SelectMany(i => (string[])[$"/?{i}||", $"|200|hello by n{i % 3 + 1}"]);
            var lines = said.Split('\n').Where(line => line.Contains('|')).Select(line => line.Replace("\\n", "", StringComparison.Ordinal).TrimEnd());
            Assert.Equal(expected, lines.Select(line => Uri(line)));

            // A record that was decrypted has a type inside (content_type) besides the one outside (opaque_type).
            string records = await TlsServer.RunAsync("tshark", "", [
                .. common, "-Y", "tls", "-e", "tls.record.opaque_type", "-e", "tls.record.content_type", "-e", "tls.alert_message.desc"]);
            int isProtected = Count(records, 0, _ => true);
            Assert.True(isProtected >= 2 * Requests, records);
            Assert.Equal(isProtected, Count(records, 1, _ => true) - Count(records, 1, type => type == "20") - 2);
            Assert.Equal(2, Count(records, 2, alert => alert == "0"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // tshark prints a body in hexadecimal digits.
    private static string Uri(string line)
    {
        string[] cells = line.Split('|');
        string body = cells[2];
        if (body.Length > 0 && body.All(char.IsAsciiHexDigit))
        {
            body = Encoding.ASCII.GetString(Convert.FromHexString(body)).TrimEnd();
        }

        return $"{cells[0]}|{cells[1]}|{body}";
    }

    private static int Count(string rows, int column, Func<string, bool> counts) => rows.Split('\n')
        .Where(row => row.Contains('|'))
        .SelectMany(row => row.Split('|')[column].Split(',', StringSplitOptions.RemoveEmptyEntries))
        .Count(counts);

    /// <summary>Captures at the client's end of the front network; gives back when it runs.</summary>
    private static async Task<Process> StartCaptureAsync(string network, string path)
    {
        var process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", network, "dumpcap", "-q", "-i", "front", "-w", path])
        {
            RedirectStandardError = true,
        })!;
        while (await process.StandardError.ReadLineAsync(WebFarm.Patience()) is { } line && !line.StartsWith("File:", StringComparison.Ordinal))
        {
        }

        return process;
    }

    /// <summary>Ends the capture when a last packet that says so has been written to it.</summary>
    private static async Task EndCaptureAsync(WebFarm farm, Process capturing, string path)
    {
        string mark = "the capture ends here " + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        using var socket = farm.ConnectUdp(9);
        var patience = WebFarm.Patience();
        while (!Encoding.Latin1.GetString(await ReadSharedAsync(path)).Contains(mark, StringComparison.Ordinal))
        {
            try
            {
                await socket.SendAsync(Encoding.ASCII.GetBytes(mark), WebFarm.Patience());
            }
            catch (SocketException)
            {
                // The node answers that nobody listens there.
            }

            await Task.Delay(20, patience);
        }

        using var kill = Process.Start("kill", ["-INT", capturing.Id.ToString(CultureInfo.InvariantCulture)]);
        await capturing.WaitForExitAsync(WebFarm.Patience());
    }

    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new MemoryStream();
        await file.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}

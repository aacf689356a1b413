using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Baton.Node.Demo;

namespace Baton.Deploy;

/// <summary>
/// A headless Chromium with one page, spoken to by its DevTools protocol. The process that uses it runs in the client's
/// namespace, where the browser listens on the loopback address.
/// </summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private int _last;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>Starts it; it takes the certificate that the farm has signed by itself.</summary>
    /// <exception cref="DemoException">There is no Chromium, or it does not come up.</exception>
    public static async Task<Browser> StartAsync()
    {
        string program = Tool.Find("chromium")
            ?? throw new DemoException("Chromium is missing. On Debian this installs it:\n  sudo apt-get install -y --no-install-recommends chromium");
        string profile = Directory.CreateTempSubdirectory("baton-browser-").FullName;
        var process = Tool.Start(program,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--window-size=760,620", "--remote-debugging-port=0", "--ignore-certificate-errors",
            "--user-data-dir=" + profile, "about:blank",
        ]);
        var browser = new Browser(process, profile);
        try
        {
            await browser.ConnectAsync();
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens an address in the page.</summary>
    public Task OpenAsync(string address) => CallAsync("Page.navigate", new() { ["url"] = address });

    /// <summary>Runs a script in the page and gives its result.</summary>
    public async Task<string> RunAsync(string script)
    {
        var result = await CallAsync("Runtime.evaluate", new() { ["expression"] = script, ["returnByValue"] = true });
        return result["result"]?["value"]?.ToString() ?? "";
    }

    /// <summary>Waits until a script's result contains a text.</summary>
    /// <exception cref="DemoException">It does not after a minute.</exception>
    public async Task<string> UntilAsync(string script, string text)
    {
        long start = Stopwatch.GetTimestamp();
        string result;
        while (!(result = await RunAsync(script)).Contains(text, StringComparison.Ordinal))
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
            {
                throw new DemoException($"The page does not show '{text}' but '{result}'.");
            }

            await Task.Delay(20);
        }

        return result;
    }

    /// <summary>Keeps what the page shows as a PNG.</summary>
    public async Task PhotographAsync(string file)
    {
        var shot = await CallAsync("Page.captureScreenshot", new() { ["format"] = "png" });
        await File.WriteAllBytesAsync(file, Convert.FromBase64String(shot["data"]!.ToString()));
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task ConnectAsync()
    {
        // Its first line with an address says where it listens.
        string? line;
        do
        {
            line = await _process.StandardError.ReadLineAsync() ?? throw new DemoException("Chromium ended before it listened.");
        }
        while (!line.Contains("ws://", StringComparison.Ordinal));
        _ = _process.StandardError.BaseStream.CopyToAsync(Stream.Null);
        _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var listener = new Uri(line[line.IndexOf("ws://", StringComparison.Ordinal)..].Trim());
        using var http = new HttpClient();
        string pages = await http.GetStringAsync(new Uri($"http://{listener.Authority}/json"));
        string page = JsonNode.Parse(pages)!.AsArray().First(target => target!["type"]!.ToString() == "page")!["webSocketDebuggerUrl"]!.ToString();
        await _socket.ConnectAsync(new Uri(page), new CancellationTokenSource(s_patience).Token);
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        int id = ++_last;
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        using var limit = new CancellationTokenSource(s_patience);
        await _socket.SendAsync(Encoding.UTF8.GetBytes(call.ToJsonString()), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            var message = JsonNode.Parse(await ReceiveAsync(limit.Token))!;
            if (message["id"]?.GetValue<int>() == id)
            {
                return message["result"] ?? throw new DemoException($"{method}: {message["error"]}");
            }
        }
    }

    private async Task<byte[]> ReceiveAsync(CancellationToken cancellation)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            var got = await _socket.ReceiveAsync(buffer, cancellation);
            message.Write(buffer, 0, got.Count);
            if (got.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Baton.Hosting;
using Baton.Node.Demo;
using Baton.Node.Up;

namespace Baton.Node.Tests.Up;

/// <summary>Each sample runs on three nodes, serves one connection, and goes on over it when the node that has it is drained.</summary>
[Collection("demonstrations run one after the other")]
public sealed class SampleTests : IDisposable
{
    private const string Needed = "needs root and /dev/net/tun";
    private readonly string _folder = Directory.CreateTempSubdirectory("baton-sample-").FullName;
    private int _connects;

    public static bool CanRun => Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Uri Address { get; } = new($"http://{AddressPlan.V4.Nodes[0].Service}/");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task Minimal_api_answers_at_another_node_over_the_same_connection()
    {
        await using var network = await DemoNetwork.CreateAsync(relay: false, Cancellation);
        await using var farm = await StartAsync(network, "MinimalApi");
        using var client = new HttpClient(Handler(network)) { BaseAddress = Address };

        var before = await client.GetFromJsonAsync<JsonElement>("", Cancellation);
        await DrainOwnerAsync(farm);
        var after = await client.GetFromJsonAsync<JsonElement>("", Cancellation);
        using var sum = await client.PostAsJsonAsync("sum", new[] { 1, 2, int.MaxValue }, Cancellation);

        Assert.NotEqual(before.GetProperty("node").GetString(), after.GetProperty("node").GetString());
        Assert.Equal(before.GetProperty("client").GetString(), after.GetProperty("client").GetString());
        Assert.Equal("""{"total":2147483650}""", await sum.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(1, _connects);
    }

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task Counter_counts_on_at_another_node_over_the_same_connection()
    {
        await using var network = await DemoNetwork.CreateAsync(relay: false, Cancellation);
        await using var farm = await StartAsync(network, "Counter");
        using var socket = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(Handler(network));
        await socket.ConnectAsync(new Uri(Address.ToString().Replace("http", "ws", StringComparison.Ordinal) + "counter"), invoker, Cancellation);
        await SendAsync(socket, """{"protocol":"json","version":1}""");
        Assert.Equal("{}", await ReceiveAsync(socket));
        string before = await ReceiveAsync(socket);

        await SendAsync(socket, """{"type":1,"invocationId":"1","target":"Add","arguments":[41]}""");
        Assert.Equal("""{"type":3,"invocationId":"1","result":41}""", await ReceiveAsync(socket));
        await DrainOwnerAsync(farm);
        string after = await ReceiveAsync(socket);
        await SendAsync(socket, """{"type":1,"invocationId":"2","target":"Add","arguments":[1]}""");

        Assert.Equal("""{"type":3,"invocationId":"2","result":42}""", await ReceiveAsync(socket));
        Assert.EndsWith(""","arguments":["NODE",0]}""".Replace("NODE", NodeIn(before), StringComparison.Ordinal), before, StringComparison.Ordinal);
        Assert.EndsWith(""","arguments":["NODE",41]}""".Replace("NODE", NodeIn(after), StringComparison.Ordinal), after, StringComparison.Ordinal);
        Assert.NotEqual(NodeIn(before), NodeIn(after));
        Assert.Equal(1, _connects);
    }

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task Download_of_a_range_goes_on_at_another_node_without_a_byte_missing()
    {
        const int From = 1234, Length = 40_000_000, First = 1_000_000;
        byte[] content = [.. Enumerable.Range(0, From + Length + 99).Select(at => (byte)((at * 31) >> 3))];
        string files = Directory.CreateDirectory(Path.Combine(_folder, "files")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(files, "it.bin"), content, Cancellation);
        await using var network = await DemoNetwork.CreateAsync(relay: false, Cancellation);
        await using var farm = await StartAsync(network, "Download", "--Folder", files);
        using var client = new HttpClient(Handler(network)) { BaseAddress = Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "it.bin") { Headers = { Range = new RangeHeaderValue(From, From + Length - 1) } };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal($"bytes {From}-{From + Length - 1}/{content.Length}", response.Content.Headers.ContentRange?.ToString());
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);

        byte[] received = new byte[Length];
        await body.ReadExactlyAsync(received.AsMemory(0, First), Cancellation);
        var draining = DrainOwnerAsync(farm);
        await body.ReadExactlyAsync(received.AsMemory(First), Cancellation);
        await draining;

        Assert.True(received.AsSpan().SequenceEqual(content.AsSpan(From, Length)));
        Assert.Equal(0, await body.ReadAsync(new byte[1], Cancellation));
        Assert.Equal("it.bin\n", await client.GetStringAsync("", Cancellation));
        Assert.Equal(1, _connects);
    }

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task Download_answers_ranges_as_rfc_9110_says()
    {
        string files = Directory.CreateDirectory(Path.Combine(_folder, "files")).FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "ten.txt"), "0123456789", Cancellation);
        await using var network = await DemoNetwork.CreateAsync(relay: false, Cancellation);
        await using var farm = await StartAsync(network, "Download", "--Folder", files);
        using var client = new HttpClient(Handler(network)) { BaseAddress = Address };

        Assert.Equal("200 0123456789", await GetAsync(null));
        Assert.Equal("206 bytes 2-4/10 234", await GetAsync("bytes=2-4"));
        Assert.Equal("206 bytes 7-9/10 789", await GetAsync("bytes=7-99"));
        Assert.Equal("206 bytes 8-9/10 89", await GetAsync("bytes=-2"));
        Assert.Equal("206 bytes 0-9/10 0123456789", await GetAsync("bytes=-20"));
        Assert.Equal("416 bytes */10 ", await GetAsync("bytes=10-"));
        Assert.Equal("416 bytes */10 ", await GetAsync("bytes=-0"));
        Assert.Equal("200 0123456789", await GetAsync("bytes=0-1,4-5"));
        Assert.Equal("200 0123456789", await GetAsync("lines=0-1"));
        Assert.Equal("200 0123456789", await GetAsync("bytes=2-4", "\"another\""));

        using var missing = await client.GetAsync("..%2fsecret", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        async Task<string> GetAsync(string? range, string? ifRange = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "ten.txt");
            request.Headers.TryAddWithoutValidation("Range", range);
            request.Headers.TryAddWithoutValidation("If-Range", ifRange);
            using var response = await client.SendAsync(request, Cancellation);
            string place = response.Content.Headers.ContentRange is { } given ? $"{given} " : "";
            return $"{(int)response.StatusCode} {place}{await response.Content.ReadAsStringAsync(Cancellation)}";
        }
    }

    private static string NodeIn(string record) => JsonDocument.Parse(record).RootElement.GetProperty("arguments")[0].GetString()!;

    private static Task SendAsync(ClientWebSocket socket, string record) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(record + '\u001E'), WebSocketMessageType.Text, true, Cancellation);

    /// <summary>The next record that is no ping.</summary>
    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        byte[] buffer = new byte[1];
        var record = new StringBuilder();
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Cancellation);
            Assert.NotEqual(WebSocketMessageType.Close, received.MessageType);
            if (buffer[0] != 0x1E)
            {
                record.Append((char)buffer[0]);
            }
            else if (record.ToString() == """{"type":6}""")
            {
                record.Clear();
            }
            else
            {
                return record.ToString();
            }
        }
    }

    /// <summary>Drains the node that has the only connection, and requires that another has it then.</summary>
    private static async Task DrainOwnerAsync(LocalFarm farm)
    {
        using var control = new ControlClient(farm.SocketOf(AddressPlan.V4.Nodes[0]));
        string owner = await OwnerAsync(control);
        await control.DrainAsync(owner, Cancellation);
        while ((await control.DrainProgressAsync(owner, Cancellation)).State == "running")
        {
            await Task.Delay(10, Cancellation);
        }

        Assert.NotEqual(owner, await OwnerAsync(control));
    }

    private static async Task<string> OwnerAsync(ControlClient control) =>
        Assert.Single((await control.ConnectionsAsync(cancellation: Cancellation)).Connections, connection => connection.Service == "web").Node;

    /// <summary>A sample as this test was built.</summary>
    private async Task<LocalFarm> StartAsync(DemoNetwork network, string sample, params string[] arguments)
    {
        string root = AppContext.BaseDirectory[..(AppContext.BaseDirectory.LastIndexOf("/tests/", StringComparison.Ordinal) + 1)];
        string folder = Path.Combine(root, "samples", sample);
        string built = Path.GetRelativePath(Path.Combine(root, "tests/Baton.Node.Tests"), AppContext.BaseDirectory);
        var program = await ProgramCommand.PrepareAsync(
            Path.Combine(folder, built, sample + ".dll"), ["--contentRoot", folder, .. arguments], Cancellation);
        return await LocalFarm.StartAsync(network, _folder, program, [("web", 80)], Cancellation);
    }

    private SocketsHttpHandler Handler(DemoNetwork network) => new()
    {
        ConnectCallback = async (context, cancellation) =>
        {
            _connects++;
            var socket = new DemoClient(network).Sockets(1, SocketType.Stream)[0];
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
}

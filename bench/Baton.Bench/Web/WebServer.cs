using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Hosting;
using Baton.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Baton.Bench.Web;

/// <summary>One ASP.NET Core application that answers on a kernel's socket and on the farm; a process of its own.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    /// <summary>The word that starts this program as the server.</summary>
    public const string Name = "web-server";

    /// <summary>The environment's variable that lets both transports run the application where its bytes come in.</summary>
    public const string Inline = "BATON_BENCH_INLINE";

    /// <summary>What the server is asked for its figures with; it collects garbage before it answers.</summary>
    public const string Collect = "collect";

    /// <summary>What the server is asked for its figures with.</summary>
    public const string Usage = "usage";

    private readonly WebApplication _app;
    private readonly Socket _listener;
    private readonly string _control = Path.Combine(Path.GetTempPath(), $"baton-bench-{Environment.ProcessId}.sock");

    private WebServer(string kernelNamespace, IPEndPoint kernel, string ownNamespace, IPEndPoint service, IPAddress own)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _listener = NetworkNamespace.Run(kernelNamespace, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(kernel);
        bool inline = Environment.GetEnvironmentVariable(Inline) is not null;
        builder.WebHost.UseSockets(options => options.UnsafePreferInlineScheduling = inline);
        builder.WebHost.UseBaton(options =>
        {
            options.Services.Add("web");
            options.UnsafePreferInlineScheduling = inline;
        });
        builder.WebHost.ConfigureKestrel(options => options.ListenHandle((ulong)_listener.Handle));
        builder.Services.Configure<BatonOptions>(options => Configure(options, ownNamespace, service, own));
        _app = builder.Build();
        Map(_app);
    }

    /// <summary>Where the kernel's socket listens.</summary>
    public static IPEndPoint Kernel { get; } = new(IPAddress.Parse("198.18.0.1"), 8080);

    /// <summary>The farm's service address.</summary>
    public static IPEndPoint Own { get; } = new(IPAddress.Parse("198.18.1.101"), 80);

    /// <summary>Runs it until its input ends; each line of input is answered by <see cref="ServerUsage"/>.</summary>
    /// <param name="kernelNamespace">Where the kernel's socket listens.</param>
    /// <param name="ownNamespace">Where the farm's devices are made.</param>
    public static async Task<int> RunAsync(string kernelNamespace, string ownNamespace)
    {
        AheadOfOthers.Enter();
        await using var server = new WebServer(kernelNamespace, Kernel, ownNamespace, Own, IPAddress.Parse("198.18.1.11"));
        await server._app.StartAsync();
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } asked)
        {
            Console.WriteLine(ServerUsage.Measure(collects: asked == Collect));
        }

        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _listener.Dispose();
    }

    private static void Map(WebApplication app)
    {
        byte[] plaintext = "Hello, World!"u8.ToArray();
        byte[] mebibyte = new byte[1 << 20];
        Random.Shared.NextBytes(mebibyte);
        app.MapWhen(context => context.Request.Path == "/ws", branch => branch
            .UseWebSockets()
            .Run(async context => await WaitAsync(await context.WebSockets.AcceptWebSocketAsync())));
        app.Run(async context =>
        {
            var response = context.Response;
            switch (context.Request.Path.Value)
            {
                case "/json":
                    await response.WriteAsJsonAsync(new { message = "Hello, World!" });
                    break;
                case "/mib":
                    await WriteAsync(response, "application/octet-stream", mebibyte);
                    break;
                default:
                    await WriteAsync(response, "text/plain", plaintext);
                    break;
            }
        });
    }

    /// <summary>Waits for messages without a buffer to receive them in.</summary>
    private static async Task WaitAsync(WebSocket socket)
    {
        while (socket.State == WebSocketState.Open)
        {
            await socket.ReceiveAsync(Memory<byte>.Empty, default);
        }
    }

    private static async Task WriteAsync(HttpResponse response, string type, byte[] body)
    {
        response.ContentType = type;
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body);
    }

    private void Configure(BatonOptions options, string networkNamespace, IPEndPoint service, IPAddress own)
    {
        options.Node = "bench";
        options.Secret = "a secret of the benchmark";
        options.ControlSocket = _control;
        options.MembershipInterval = TimeSpan.FromSeconds(10);
        options.LinkFactory = network => TapLink.Open(new()
        {
            Name = network.Device == "front" ? "own" : "lan",
            Namespace = networkNamespace,
            Mtu = network.Mtu,
        });
        options.Services = [new ServiceSettings { Name = "web", Port = service.Port }];
        options.Members =
        [
            new MemberSettings { Name = "bench", Id = 1, Lan = "192.0.2.1", Front = $"{own}", ServiceAddresses = [$"{service.Address}"] },
        ];
    }
}

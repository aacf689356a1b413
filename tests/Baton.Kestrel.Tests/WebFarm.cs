using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Baton.Engine;
using Baton.Engine.Tests;
using Baton.Hosting;
using Baton.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel.Tests;

/// <summary>ASP.NET Core applications on a farm over TAP devices; the kernel of a namespace is the client.</summary>
internal sealed class WebFarm : IAsyncDisposable
{
    private readonly KernelNetwork _network = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("baton-web-").FullName;
    private readonly List<IDisposable> _clients = [];

    private WebFarm()
    {
    }

    public List<WebApplication> Nodes { get; } = [];

    /// <summary>What the nodes logged from warnings on.</summary>
    public LogLines Log { get; } = new();

    /// <summary>Starts nodes n1, n2, ... with one application each.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="map">Maps the application's paths; gets the node's name.</param>
    /// <param name="configure">Sets the transport's options.</param>
    /// <param name="listen">Sets the listener's, given a node's number.</param>
    /// <param name="serves">Which nodes serve; all by default.</param>
    /// <param name="services">Adds the application's services.</param>
    /// <param name="placement">How the service places connections; by default the first node keeps them.</param>
    /// <param name="kestrel">Adds listeners, of the service "h2" at port 81 too.</param>
    public static async Task<WebFarm> StartAsync(
        int nodes,
        Action<WebApplication, string> map,
        Action<BatonTransportOptions>? configure = null,
        Action<ListenOptions, int>? listen = null,
        Func<int, bool>? serves = null,
        Action<IServiceCollection>? services = null,
        string placement = "first-request",
        Action<KestrelServerOptions>? kestrel = null)
    {
        var farm = new WebFarm();
        try
        {
            for (int number = 1; number <= nodes; number++)
            {
                farm.Nodes.Add(await farm.StartNodeAsync(number, nodes, map, configure, listen, serves?.Invoke(number) != false, services, placement, kestrel));
            }

            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (!farm.Nodes.TrueForAll(node => EngineOf(node).Members.All(member => member.Reachable)))
            {
                await Task.Delay(10, patience.Token);
            }

            return farm;
        }
        catch
        {
            await farm.DisposeAsync();
            throw;
        }
    }

    public static BatonEngine EngineOf(WebApplication node) => node.Services.GetRequiredService<BatonNode>().Engine;

    public BatonEngine EngineOf(int number) => EngineOf(Nodes[number - 1]);

    /// <summary>The namespace in which clients run.</summary>
    public string Namespace => _network.Name;

    /// <summary>How many raw connections were made.</summary>
    public int Connections { get; private set; }

    /// <summary>The client's port of the last of them.</summary>
    public int LastPort { get; private set; }

    /// <summary>A raw connection to the first node's service address.</summary>
    public async Task<RawClient> ConnectAsync(int port = 80)
    {
        var client = new RawClient(await _network.ConnectAsync(port));
        _clients.Add(client);
        Connections++;
        LastPort = client.Port;
        return client;
    }

    /// <summary>A UDP socket that sends to the first node's service address.</summary>
    public Socket ConnectUdp(int port) => _network.ConnectUdp(port);

    /// <summary>.NET's own client, with connections of its pool over the farm.</summary>
    public HttpClient Client()
    {
        var client = new HttpClient(Handler()) { BaseAddress = new Uri("http://farm.test/") };
        _clients.Add(client);
        return client;
    }

    /// <summary>.NET's own WebSocket client.</summary>
    public async Task<ClientWebSocket> WebSocketAsync(string path, Action<ClientWebSocketOptions>? configure = null)
    {
        var socket = new ClientWebSocket();
        configure?.Invoke(socket.Options);
        var invoker = new HttpMessageInvoker(Handler());
        _clients.Add(socket);
        _clients.Add(invoker);
        await socket.ConnectAsync(new Uri("ws://farm.test" + path), invoker, Patience());
        return socket;
    }

    /// <summary>Moves the only connection of a node to another, or the one from a client's port.</summary>
    public async Task<MoveResult> MoveAsync(int from, int to, int? port = null)
    {
        EndpointDescription? endpoint;
        var patience = Patience();

        // A node that has just been given the connection may not have begun to serve it; what stays of an earlier one does not move.
        while ((endpoint = (await EngineOf(from).EndpointsAsync()).SingleOrDefault(
            e => e.Activity == EndpointActivity.Active && e.State != "TIME-WAIT" && (port is null || e.Flow.Tuple.RemotePort == port))) is null)
        {
            await Task.Delay(1, patience);
        }

        return await EngineOf(from).MoveAsync(endpoint.Id, $"n{to}", Patience());
    }

    /// <summary>Waits until a node has so many endpoints.</summary>
    public async Task UntilEndpointsAsync(int number, int count)
    {
        // Longer than TIME-WAIT, in which an endpoint may be on its way out.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while ((await EngineOf(number).EndpointsAsync()).Count != count)
        {
            await Task.Delay(5, patience.Token);
        }
    }

    public static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        foreach (var node in Nodes)
        {
            await node.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token);
            await node.DisposeAsync();
        }

        _network.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = async (_, _) => new NetworkStream(await _network.ConnectAsync(80), ownsSocket: true),
    };

    private async Task<WebApplication> StartNodeAsync(
        int number,
        int nodes,
        Action<WebApplication, string> map,
        Action<BatonTransportOptions>? configure,
        Action<ListenOptions, int>? listen,
        bool serves,
        Action<IServiceCollection>? services,
        string placement,
        Action<KestrelServerOptions>? kestrel)
    {
        var (front, lan) = _network.Attach(number);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseBaton(options =>
        {
            options.DrainTimeout = TimeSpan.Zero;
            configure?.Invoke(options);
        });
        services?.Invoke(builder.Services);
        if (kestrel is not null)
        {
            builder.WebHost.ConfigureKestrel(kestrel);
        }

        if (serves)
        {
            builder.WebHost.ConfigureKestrel(server => server.Listen(new BatonEndPoint("web"), options => listen?.Invoke(options, number)));
        }

        builder.Services.Configure<BatonOptions>(options => Configure(options, number, nodes, front, lan, placement));
        var node = builder.Build();
        map(node, $"n{number}");
        await node.StartAsync();
        return node;
    }

    private void Configure(BatonOptions options, int number, int nodes, ILink front, ILink lan, string placement)
    {
        options.Node = $"n{number}";
        options.Secret = "a secret of the test's farm";
        options.ControlSocket = Path.Combine(_directory, $"n{number}.sock");
        options.LinkFactory = network => network.Device == "front" ? front : lan;
        options.Lan.Mtu = 1700;

        // A busy machine is no reason to fail.
        options.HandoffBudget = TimeSpan.FromSeconds(5);
        options.Services =
        [
            new ServiceSettings { Name = "web", Port = 80, Placement = placement },
            new ServiceSettings { Name = "h2", Port = 81, Placement = placement },
        ];
        options.Members = [.. Enumerable.Range(1, nodes).Select(n => new MemberSettings
        {
            Name = $"n{n}",
            Id = n,
            Lan = $"192.0.2.{n}",
            Front = $"198.51.100.{10 + n}",
            ServiceAddresses = [$"198.51.100.{100 + n}"],
        })];
    }
}

/// <summary>A client that sends and receives bytes as they are.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private readonly StringBuilder _received = new();

    public Socket Socket => socket;

    /// <summary>The client's port.</summary>
    public int Port { get; } = ((IPEndPoint)socket.LocalEndPoint!).Port;

    public NetworkStream Stream { get; } = new(socket, ownsSocket: true);

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await socket.SendAsync(bytes, WebFarm.Patience());

    /// <summary>Receives up to and with <paramref name="end"/>; gives all that came since the last call's end.</summary>
    public async Task<string> UntilAsync(string end)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            string text = _received.ToString();
            int at = text.IndexOf(end, StringComparison.Ordinal);
            if (at >= 0)
            {
                _received.Remove(0, at + end.Length);
                return text[..(at + end.Length)];
            }

            int length = await socket.ReceiveAsync(buffer, WebFarm.Patience());
            Assert.True(length > 0, $"the connection was closed after '{text}'");
            _received.Append(Encoding.Latin1.GetString(buffer, 0, length));
        }
    }

    /// <summary>Receives to the end of the connection.</summary>
    public async Task<string> ToEndAsync()
    {
        byte[] buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, WebFarm.Patience()) is > 0 and var length)
        {
            _received.Append(Encoding.Latin1.GetString(buffer, 0, length));
        }

        return _received.ToString();
    }

    public void Dispose() => socket.Dispose();
}

/// <summary>What was logged.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

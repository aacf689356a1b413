using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Kestrel.Tests;

/// <summary>A hub's WebSocket moves between calls where the hub is mapped with handoff; its client notices nothing.</summary>
public sealed class HubHandoffTests
{
    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Calls_are_counted_on_across_the_nodes_by_the_state_that_the_hub_leaves()
    {
        await using var farm = await StartAsync(3);
        await using var client = await HubClient.ConnectAsync(farm);

        Assert.Equal("n1 1 first", await client.CallAsync("Count", "first"));
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        Assert.Equal("n2 2 second", await client.CallAsync("Count", "second"));
        Assert.True((await farm.MoveAsync(2, 3)).Moved);
        Assert.True((await farm.MoveAsync(3, 1)).Moved);
        Assert.Equal("n1 3 third", await client.CallAsync("Count", "third"));

        // No second answer to the handshake, no good-bye: each record that came belongs to a call.
        Assert.Empty(client.Others);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Calls_on_their_way_during_moves_are_answered_once_and_in_order()
    {
        await using var farm = await StartAsync(2);
        await using var client = await HubClient.ConnectAsync(farm);
        int moves = 0;
        for (int round = 0; round < 8; round++)
        {
            var answers = Enumerable.Range(0, 25).Select(i => client.CallAsync("Count", $"{round} {i}")).ToArray();
            Assert.True((await farm.MoveAsync((moves % 2) + 1, 2 - (moves % 2))).Moved);
            moves++;
            for (int i = 0; i < answers.Length; i++)
            {
                Assert.EndsWith($" {(round * 25) + i + 1} {round} {i}", await answers[i]);
            }
        }

        Assert.Empty(client.Others);
        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_call_under_way_is_answered_before_its_connection_moves()
    {
        var gate = new Gate();
        await using var farm = await StartAsync(2, gate);
        await using var client = await HubClient.ConnectAsync(farm);
        var answer = client.CallAsync("Wait");
        await gate.Begun;

        var moving = farm.MoveAsync(1, 2);
        await Task.Delay(50);

        Assert.False(moving.IsCompleted);
        gate.Open();
        Assert.Equal("n1", await answer);
        Assert.True((await moving).Moved);
        Assert.Equal("n2 1 a", await client.CallAsync("Count", "a"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_call_without_an_answer_has_said_all_before_its_connection_moves()
    {
        var gate = new Gate();
        await using var farm = await StartAsync(2, gate);
        await using var client = await HubClient.ConnectAsync(farm);
        await client.SendAsync("""{"type":1,"target":"WaitAndSay","arguments":[]}""");
        await gate.Begun;

        var moving = farm.MoveAsync(1, 2);
        await Task.Delay(50);

        Assert.False(moving.IsCompleted);
        gate.Open();
        Assert.Equal("""{"type":1,"target":"said","arguments":["n1"]}""", await client.OtherAsync());
        Assert.True((await moving).Moved);
        Assert.Equal("n2 1 a", await client.CallAsync("Count", "a"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_stream_and_a_question_to_the_client_hold_the_connection_until_they_end()
    {
        var gate = new Gate();
        await using var farm = await StartAsync(2, gate);
        await using var client = await HubClient.ConnectAsync(farm);
        await client.SendAsync("""{"type":4,"invocationId":"s","target":"Stream","arguments":[]}""");
        Assert.Equal("""{"type":2,"invocationId":"s","item":0}""", await client.OtherAsync());
        var moving = farm.MoveAsync(1, 2);
        await Task.Delay(50);
        Assert.False(moving.IsCompleted);
        gate.Open();
        Assert.Equal("""{"type":2,"invocationId":"s","item":1}""", await client.OtherAsync());
        Assert.Equal("""{"type":3,"invocationId":"s"}""", await client.OtherAsync());
        Assert.True((await moving).Moved);

        // The question is asked by somebody else than a call of this connection, which has begun at the node when it answers.
        Assert.Equal("n2 1 a", await client.CallAsync("Count", "a"));
        var asking = farm.Nodes[1].Services.GetRequiredService<IHubContext<CountingHub>>()
            .Clients.Client(CountingHub.LastConnection).InvokeAsync<int>("ask", WebFarm.Patience());
        using var question = JsonDocument.Parse(await client.OtherAsync());
        moving = farm.MoveAsync(2, 1);
        await Task.Delay(50);
        Assert.False(moving.IsCompleted);
        string id = question.RootElement.GetProperty("invocationId").GetString()!;
        await client.SendAsync("{\"type\":3,\"invocationId\":\"" + id + "\",\"result\":7}");
        Assert.Equal(7, await asking);
        Assert.True((await moving).Moved);
        Assert.Equal("n1 2 b", await client.CallAsync("Count", "b"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task The_hub_sees_its_connection_end_at_one_node_and_begin_at_the_next()
    {
        await using var farm = await StartAsync(2);
        await using var client = await HubClient.ConnectAsync(farm);
        await client.CallAsync("Count", "");
        string first = CountingHub.LastConnection;
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        await client.CallAsync("Count", "");

        Assert.NotEqual(first, CountingHub.LastConnection);
        Assert.Equal(["n1 begins new", "n1 ends moved", "n2 begins moved"], Journal(farm));
        await client.DisposeAsync();
        var patience = WebFarm.Patience();
        while (Journal(farm).Length < 4)
        {
            await Task.Delay(5, patience);
        }

        Assert.Equal("n2 ends closed", Journal(farm)[^1]);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_client_that_has_negotiated_elsewhere_is_served()
    {
        await using var farm = await StartAsync(2);
        await using var client = await HubClient.ConnectAsync(farm, "?id=a-token-of-another-node&greeting=hello");

        Assert.Equal("n1 1 hello", await client.CallAsync("Greeting"));
        Assert.True((await farm.MoveAsync(1, 2)).Moved);
        Assert.Equal("n2 2 hello", await client.CallAsync("Greeting"));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_that_the_target_refuses_goes_on_here_with_its_state()
    {
        await using var farm = await StartAsync(2);
        await using var client = await HubClient.ConnectAsync(farm);
        Assert.Equal("n1 1 a", await client.CallAsync("Count", "a"));
        await farm.Nodes[1].StopAsync(WebFarm.Patience());

        var result = await farm.MoveAsync(1, 2);

        Assert.False(result.Moved);
        Assert.Equal("n1 2 b", await client.CallAsync("Count", "b"));
        Assert.Equal(["n1 begins new", "n1 ends moved", "n1 begins moved"], Journal(farm));
        Assert.Empty(client.Others);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_hub_without_handoff_at_the_next_node_resets_the_connection()
    {
        await using var farm = await WebFarm.StartAsync(
            2,
            (app, node) =>
            {
                var hub = app.MapHub<CountingHub>("/hub");
                if (node == "n1")
                {
                    hub.WithHandoff();
                }
            },
            services: services => AddServices(services, new Gate()));
        await using var client = await HubClient.ConnectAsync(farm);
        await client.CallAsync("Count", "");

        Assert.True((await farm.MoveAsync(1, 2)).Moved);

        // Its read meets the reset; a write may meet a socket that has ended by then.
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => client.Receiving);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.GetBaseException()).SocketErrorCode);
        Assert.Contains("the hub is mapped without handoff here", Assert.Single(farm.Log.Lines));
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_client_that_polls_stays_at_the_node_that_knows_it()
    {
        await using var farm = await StartAsync(2);
        using var client = await farm.ConnectAsync();
        await client.SendAsync("POST /hub/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: farm\r\nContent-Length: 0\r\n\r\n");
        await client.UntilAsync("\r\n\r\n");
        using var negotiated = JsonDocument.Parse(await client.UntilAsync("}]}"));
        string token = negotiated.RootElement.GetProperty("connectionToken").GetString()!;
        string poll = $"GET /hub?id={token} HTTP/1.1\r\nHost: farm\r\n\r\n";
        await client.SendAsync(poll);
        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("\r\n\r\n"));

        var moving = farm.MoveAsync(1, 2);
        const string Handshake = "{\"protocol\":\"json\",\"version\":1}\u001e";
        await client.SendAsync($"POST /hub?id={token} HTTP/1.1\r\nHost: farm\r\nContent-Length: {Handshake.Length}\r\n\r\n{Handshake}");
        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("\r\n\r\n"));
        await client.SendAsync(poll);
        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("{}\u001e"));

        Assert.False(moving.IsCompleted);
    }

    private static Task<WebFarm> StartAsync(int nodes) => StartAsync(nodes, new Gate());

    private static Task<WebFarm> StartAsync(int nodes, Gate gate) => WebFarm.StartAsync(
        nodes, (app, _) => app.MapHub<CountingHub>("/hub").WithHandoff(), services: services => AddServices(services, gate));

    private static void AddServices(IServiceCollection services, Gate gate)
    {
        services.AddSignalR();
        services.AddSingleton(gate).AddSingleton<NodeName>();
    }

    private static string[] Journal(WebFarm farm) => [.. farm.Nodes[0].Services.GetRequiredService<Gate>().Journal];

    /// <summary>What tests and hubs share; one for all nodes of a farm.</summary>
    private sealed class Gate
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Begun => _begun.Task.WaitAsync(WebFarm.Patience());

        public ConcurrentQueue<string> Journal { get; } = [];

        public void Open() => _open.TrySetResult();

        public Task PassAsync()
        {
            _begun.TrySetResult();
            return _open.Task.WaitAsync(WebFarm.Patience());
        }
    }

    private sealed class NodeName(Baton.Hosting.BatonNode node)
    {
        public override string ToString() => node.Engine.Self.Name;
    }

    private sealed class CountingHub(NodeName node, Gate gate) : Hub
    {
        private const string Counted = "count";

        public static string LastConnection { get; private set; } = "";

        private IHandoffFeature Handoff => Context.GetHttpContext()!.Features.Get<IHandoffFeature>()!;

        public override Task OnConnectedAsync()
        {
            Context.Items[Counted] = Handoff.GetState(0);
            LastConnection = Context.ConnectionId;
            gate.Journal.Enqueue($"{node} begins {(Handoff.Resumed ? "moved" : "new")}");
            return Task.CompletedTask;
        }

        public override Task OnDisconnectedAsync(Exception? exception)
        {
            Handoff.SetState((int)Context.Items[Counted]!);
            gate.Journal.Enqueue($"{node} ends {(Handoff.Requested.IsCancellationRequested ? "moved" : "closed")}");
            return Task.CompletedTask;
        }

        public string Count(string what)
        {
            int count = (int)Context.Items[Counted]! + 1;
            Context.Items[Counted] = count;
            return $"{node} {count} {what}";
        }

        public string Greeting() => Count(Context.GetHttpContext()!.Request.Query["greeting"].ToString());

        public async Task<string> Wait()
        {
            await gate.PassAsync();
            return node.ToString();
        }

        public async Task WaitAndSay()
        {
            await gate.PassAsync();
            await Clients.Caller.SendAsync("said", node.ToString());
        }

        public async IAsyncEnumerable<int> Stream([EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return 0;
            await gate.PassAsync().WaitAsync(cancellation);
            yield return 1;
        }
    }

    /// <summary>SignalR's JSON protocol over .NET's WebSocket client.</summary>
    private sealed class HubClient : IAsyncDisposable
    {
        private const char End = '\u001E';
        private readonly ClientWebSocket _socket;
        private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _calls = new();
        private readonly System.Threading.Channels.Channel<string> _others = System.Threading.Channels.Channel.CreateUnbounded<string>();
        private readonly Task _receiving;
        private readonly SemaphoreSlim _sending = new(1);
        private int _last;

        private HubClient(ClientWebSocket socket)
        {
            _socket = socket;
            _receiving = ReceiveAsync();
        }

        /// <summary>Records that answer no call and were not asked for.</summary>
        public IEnumerable<string> Others
        {
            get
            {
                while (_others.Reader.TryRead(out string? other))
                {
                    yield return other;
                }
            }
        }

        /// <summary>Ends with the connection, or fails with it.</summary>
        public Task Receiving => _receiving.WaitAsync(WebFarm.Patience());

        public static async Task<HubClient> ConnectAsync(WebFarm farm, string query = "")
        {
            var client = new HubClient(await farm.WebSocketAsync("/hub" + query));
            await client.SendAsync("""{"protocol":"json","version":1}""");
            Assert.Equal("{}", await client.OtherAsync());
            return client;
        }

        public Task<string> OtherAsync() => _others.Reader.ReadAsync(WebFarm.Patience()).AsTask();

        /// <summary>Calls a method; gives its result.</summary>
        public async Task<string> CallAsync(string method, params string[] arguments)
        {
            string id = $"{Interlocked.Increment(ref _last)}";
            var answer = _calls[id] = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            await SendAsync(JsonSerializer.Serialize(new { arguments, invocationId = id, target = method, type = 1 }));
            if (await Task.WhenAny(answer.Task, _receiving) == _receiving)
            {
                await _receiving;
            }

            return await answer.Task.WaitAsync(WebFarm.Patience());
        }

        public async Task SendAsync(string record)
        {
            await _sending.WaitAsync();
            await _socket.SendAsync(Encoding.UTF8.GetBytes(record + End), WebSocketMessageType.Text, true, WebFarm.Patience());
            _sending.Release();
        }

        public async ValueTask DisposeAsync()
        {
            if (_socket.State == WebSocketState.Open)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, WebFarm.Patience());
                await _receiving;
            }

            _socket.Dispose();
            _sending.Dispose();
        }

        private async Task ReceiveAsync()
        {
            byte[] buffer = new byte[64 << 10];
            int length = 0;
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(length), WebFarm.Patience());
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                length += part.Count;
                if (part.EndOfMessage)
                {
                    foreach (string record in Encoding.UTF8.GetString(buffer, 0, length).Split(End, StringSplitOptions.RemoveEmptyEntries))
                    {
                        Take(record);
                    }

                    length = 0;
                }
            }
        }

        private void Take(string record)
        {
            using var message = JsonDocument.Parse(record);
            var root = message.RootElement;
            int type = root.TryGetProperty("type", out var named) ? named.GetInt32() : 0;
            if (type == 3 && _calls.TryRemove(root.GetProperty("invocationId").GetString()!, out var call))
            {
                call.SetResult(root.TryGetProperty("result", out var result) ? result.ToString() : root.ToString());
            }
            else if (type != 6)
            {
                _others.Writer.TryWrite(record);
            }
        }
    }
}

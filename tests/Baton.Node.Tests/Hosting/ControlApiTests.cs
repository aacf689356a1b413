using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Tests.Hosting;

/// <summary>The control API as a tool meets it: over the node's Unix socket.</summary>
public sealed class ControlApiTests
{
    [Fact]
    public async Task Status_names_every_member_and_why_one_does_not_answer()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);

        var farm = await client.StatusAsync();

        Assert.Equal("a", farm.AskedNode);
        Assert.Equal(["a", "b"], farm.Nodes.Select(n => n.Name));
        Assert.Equal(Environment.ProcessId, farm.Nodes[0].Process);
        Assert.Equal(["198.51.100.101"], farm.Nodes[0].ServiceAddresses);
        Assert.NotNull(farm.Nodes[0].Counters);
        Assert.NotNull(farm.Nodes[1].Error);
        Assert.Null(farm.Nodes[1].Counters);
        Assert.Equal("a", Assert.Single((await client.StatusAsync(local: true)).Nodes).Name);
    }

    [Fact]
    public async Task Connections_are_listed_and_found_by_client_and_by_the_beginning_of_the_id()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        Assert.Empty((await client.ConnectionsAsync()).Connections);
        node.Connect(5001);
        node.Connect(5002);
        await ListedAsync(client, 2);

        var all = await client.ConnectionsAsync();
        Assert.Equal(["198.51.100.200:5001", "198.51.100.200:5002"], all.Connections.Select(c => c.Client));
        Assert.Equal("b", Assert.Single(all.Unreachable).Key);
        var found = Assert.Single((await client.FindAsync("198.51.100.200:5002")).Connections);
        Assert.Equal(("tcp", "198.51.100.101:80", "SYN-RECEIVED", "local"), (found.Protocol, found.Server, found.State, found.HomeVerdict));
        Assert.Equal(found.Id, Assert.Single((await client.FindAsync(found.Id[..6], local: true)).Connections).Id);
        Assert.Empty((await client.FindAsync("198.51.100.200:1")).Connections);

        var entry = (await client.ForwardingAsync()).Single(e => e.Client == found.Client);
        Assert.Equal(("a", "local", found.Epoch), (entry.Owner, entry.Verdict, entry.Epoch));
        Assert.NotEmpty(entry.Reference);
        Assert.Empty(await client.HandoffsAsync());
    }

    [Fact]
    public async Task A_node_tells_its_own_load_and_that_it_drains()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        Assert.Equal(("alive", 0), await OwnAsync(client));
        node.Connect(5001);
        await ListedAsync(client, 1);

        // A node that drains measures at once.
        await client.DrainAsync(null);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        (string State, long Connections) own;
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            own = await OwnAsync(client);
        }
        while (own.State == "alive");
        Assert.Equal(("draining", 1), own);
    }

    [Fact]
    public async Task A_single_connection_comes_with_why_it_is_there_or_was_to_go()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        node.Connect(5001);
        await ListedAsync(client, 1);
        await client.MoveAsync(new MoveCommand("198.51.100.200:5001", "b"));

        var found = Assert.Single((await client.FindAsync("198.51.100.200:5001")).Connections);
        var asked = Assert.Single(found.Placements!);
        Assert.Equal(("a", MoveCause.Operator, "b", "least-of-two"), (asked.Node, asked.Cause, asked.Selected, asked.Policy));
        Assert.Equal("a", Assert.Single(asked.Candidates).Node);
        Assert.Null(Assert.Single((await client.ConnectionsAsync()).Connections).Placements);
    }

    [Theory]
    [InlineData("198.51.100.200:5001", "x", MoveOutcome.NotFound, "no member")]
    [InlineData("198.51.100.200:1", "b", MoveOutcome.NotFound, "198.51.100.200:1")]
    [InlineData("198.51.100.200:5001", "b", MoveOutcome.NotMovable, "not established")]
    public async Task A_move_that_cannot_be_says_why(string connection, string target, MoveOutcome outcome, string reason)
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        node.Connect(5001);
        await ListedAsync(client, 1);

        var move = await client.MoveAsync(new MoveCommand(connection, target));

        Assert.Equal(outcome, move.Outcome);
        Assert.Contains(reason, move.Reason, StringComparison.Ordinal);
        Assert.Null(move.Handoff);
    }

    [Fact]
    public async Task A_node_without_connections_is_drained_at_once_and_takes_connections_again()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        Assert.Equal("none", (await client.DrainProgressAsync(null)).State);

        await client.DrainAsync("a");
        var drain = await client.DrainProgressAsync("a");
        while (drain.State == "running")
        {
            drain = await client.DrainProgressAsync("a");
        }

        Assert.Equal(("a", "done", 0), (drain.Node, drain.State, drain.Progress!.Remaining));
        Assert.Equal("draining", (await client.StatusAsync(local: true)).Nodes[0].State);
        Assert.Equal("none", (await client.ResumeAsync(null)).State);
    }

    [Fact]
    public async Task A_drain_that_is_taken_back_has_ended_and_another_can_begin()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        node.Connect(5001);
        await ListedAsync(client, 1);

        // Nobody is there to take the connection.
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal("running", (await client.DrainAsync(null)).State);
            while ((await client.DrainProgressAsync(null)).Progress is not { Failed: > 0, Remaining: 1 })
            {
            }

            Assert.Equal("none", (await client.ResumeAsync(null)).State);
            Assert.Equal("none", (await client.DrainProgressAsync(null)).State);
            Assert.Equal("alive", (await client.StatusAsync(local: true)).Nodes[0].State);
        }
    }

    [Theory]
    [InlineData("b")]
    [InlineData("x")]
    public async Task A_drain_of_a_node_that_cannot_be_asked_fails_with_the_reason(string name)
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);

        foreach (var drain in new[] { await client.DrainAsync(name), await client.DrainProgressAsync(name), await client.ResumeAsync(name) })
        {
            Assert.Equal((name, "failed"), (drain.Node, drain.State));
            Assert.Contains(name == "x" ? "no member" : "b", drain.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_capture_begins_once_and_ends_with_whole_files()
    {
        await using var node = await InProcessNode.StartAsync();
        using var client = new ControlClient(node.SocketPath);
        Assert.Equal("[]", await TextAsync(node, HttpMethod.Get, "/capture", null));

        var begun = await client.StartCaptureAsync(new CaptureCommand(node.DirectoryPath, 64));
        Assert.Equal(["front", "lan"], begun.Select(view => view.Network));
        Assert.All(begun, view => Assert.True(view.Running));
        var refused = await Assert.ThrowsAsync<BatonException>(() => client.StartCaptureAsync(new CaptureCommand(node.DirectoryPath, 64)));
        Assert.Contains("captured already", refused.Message, StringComparison.Ordinal);

        node.Connect(5001);
        await ListedAsync(client, 1);
        var ended = await client.StopCaptureAsync();
        Assert.All(ended, view => Assert.False(view.Running));
        Assert.True(ended[0].Packets > 0);
        Assert.All(ended, view => Assert.True(new FileInfo(view.File).Length > 0));
    }

    [Theory]
    [InlineData("/move", null, 400, "no JSON body")]
    [InlineData("/move", "null", 400, "no JSON body")]
    [InlineData("/move", "{", 400, "")]
    [InlineData("/move", "[1]", 400, "")]
    [InlineData("/move", "{}", 400, "names a connection and a target")]
    [InlineData("/move", "{\"connection\":\"198.51.100.200:5001\"}", 400, "names a connection and a target")]
    [InlineData("/capture/start", "{}", 400, "names a directory")]
    [InlineData("/capture/start", "{\"directory\":\"/tmp\",\"snapLength\":-1}", 400, "names a directory")]
    [InlineData("/capture/start", "{\"directory\":\"/proc/none\",\"snapLength\":0}", 409, "/proc/none")]
    public async Task A_command_that_is_wrong_is_answered_with_its_error(string path, string? body, int status, string message)
    {
        await using var node = await InProcessNode.StartAsync();
        using var response = await SendAsync(node, HttpMethod.Post, path, body);

        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        string error = answer.RootElement.GetProperty("error").GetString()!;
        Assert.NotEmpty(error);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/nothing", HttpStatusCode.NotFound)]
    [InlineData("DELETE", "/drain", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/move", HttpStatusCode.MethodNotAllowed)]
    public async Task What_there_is_not_is_not_found(string method, string path, HttpStatusCode status)
    {
        await using var node = await InProcessNode.StartAsync();
        using var response = await SendAsync(node, new HttpMethod(method), path, null);
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_socket_that_nobody_answers_at_is_an_error_that_names_it()
    {
        using var client = new ControlClient("/tmp/no-such-node.sock");
        var failure = await Assert.ThrowsAsync<BatonException>(() => client.StatusAsync());
        Assert.Contains("No node answers at /tmp/no-such-node.sock", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<(string State, long Connections)> OwnAsync(ControlClient client)
    {
        var own = (await client.StatusAsync(local: true)).Nodes[0];
        return (own.State, own.LiveConnections);
    }

    /// <summary>Asks until the node has taken the frames; each question lets it look.</summary>
    private static async Task ListedAsync(ControlClient client, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await client.ConnectionsAsync(local: true, patience.Token)).Connections.Count < count)
        {
        }
    }

    private static async Task<string> TextAsync(InProcessNode node, HttpMethod method, string path, string? body)
    {
        using var response = await SendAsync(node, method, path, body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<HttpResponseMessage> SendAsync(InProcessNode node, HttpMethod method, string path, string? body)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(node.SocketPath), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(method, "http://baton" + path);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        return await http.SendAsync(request);
    }
}

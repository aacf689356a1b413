using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>R27, R28, R30 to R32: a live connection leaves its application, is passed on, and comes back.</summary>
public sealed class HandoffTests(RealNetwork network)
{
    [RealFact]
    public async Task Of_two_live_connections_only_the_detached_one_becomes_unattached()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await using var listener = await farm.A.Engine.BindAsync(new BatonEndPoint("web"), "first");
        var one = await farm.ConnectAsync();
        var two = await farm.ConnectAsync();
        var first = await listener.AcceptAsync(Wait.Patience());
        var second = await listener.AcceptAsync(Wait.Patience());
        Assert.Equal(RealFarm.FlowOf(one), first.Flow);

        var id = await first.DetachAsync("what was before"u8.ToArray());

        Assert.True((await farm.A.Engine.FindAsync(id))!.IsUnattached);
        Assert.False((await second.DescribeAsync()).IsUnattached);
        Assert.Equal("ESTABLISHED", (await farm.A.Engine.FindAsync(id))!.State);
        await one.SendAsync("while nobody listens"u8.ToArray(), Wait.Patience());
        await two.SendAsync("to the other"u8.ToArray(), Wait.Patience());
        byte[] buffer = new byte[100];
        Assert.Equal("to the other", Encoding.ASCII.GetString(buffer, 0, await second.ReceiveAsync(buffer, Wait.Patience())));

        await using var again = await farm.A.Engine.AttachAsync(id, "second");

        Assert.Equal("what was before", Encoding.ASCII.GetString(again.Context.Span));
        Assert.Equal("while nobody listens", Encoding.ASCII.GetString(buffer, 0, await again.ReceiveAsync(buffer, Wait.Patience())));
        await again.SendAllAsync("answered\n"u8.ToArray(), Wait.Patience());
        Assert.Equal("answered", await one.ReadLineAsync());
        Assert.Equal("second", (await again.DescribeAsync()).Application);

        // The same application can be associated once more, too.
        id = await again.DetachAsync();
        await using var same = await farm.A.Engine.AttachAsync(id, "second");
        await same.SendAllAsync("again\n"u8.ToArray(), Wait.Patience());
        Assert.Equal("again", await one.ReadLineAsync());
    }

    [RealFact]
    public async Task One_client_socket_is_answered_first_by_A_then_by_B()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 one", await client.AskAsync("one"));

        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);

        Assert.Equal("b 2 two", await client.AskAsync("two"));
        Assert.Equal("tag on baton://web", (await farm.B.SingleAsync()).Socket);
        Assert.Empty(await farm.A.Engine.EndpointsAsync());
    }

    [RealFact]
    public async Task Both_directions_are_exact_when_A_hands_to_B_while_they_run()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await MoveWhileStreamingAsync(farm, farm.B);
    }

    [RealFact]
    public async Task A_connection_goes_from_A_to_B_and_back_with_exact_streams()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await MoveWhileStreamingAsync(farm, farm.B, farm.A);
    }

    [RealFact]
    public async Task A_connection_goes_from_A_over_B_and_C_back_to_A_with_exact_streams()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await MoveWhileStreamingAsync(farm, farm.B, farm.C, farm.A);
    }

    [RealTheory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task When_B_is_gone_before_it_takes_over_the_connection_goes_on_at_A(int messagesFromB)
    {
        Gate? gate = null;
        await using var farm = await RealFarm.StartAsync(
            network, new FarmSetup { LanOf = (name, link) => name == "b" ? gate = new Gate(link) : link });
        await farm.ServeAsync("web", _ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket);
        await client.ProgressAsync(1 << 20);

        // B falls silent after its answer to PREPARE, or even before that.
        gate!.CloseAfter(messagesFromB);
        var (node, endpoint) = await farm.OwnerAsync(RealFarm.FlowOf(socket));
        var result = await node.Engine.MoveAsync(endpoint.Id, "b", Wait.Patience());

        Assert.False(result.Moved);
        Assert.True(gate.IsClosed);
        await client.ProgressAsync(1 << 20);
        await client.FinishAsync();
        Assert.Equal(1, (await farm.A.Engine.CountersAsync()).HandoffsFailed);
        Assert.Equal(0, (await farm.A.Engine.CountersAsync()).ResetsSent);
    }

    [RealFact]
    public async Task When_B_refuses_the_connection_goes_on_at_A()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web", farm.A);
        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 one", await client.AskAsync("one"));

        // B has no such application.
        var result = await farm.A.Engine.MoveAsync((await farm.A.SingleAsync()).Id, "b", Wait.Patience());

        Assert.Equal(MoveOutcome.Rejected, result.Outcome);
        Assert.Equal("a 2 two", await client.AskAsync("two"));
        Assert.Empty(await farm.B.Engine.EndpointsAsync());
    }

    [RealFact]
    public async Task An_http_dispatcher_hands_to_a_streaming_server_that_knows_no_http()
    {
        await using var farm = await RealFarm.StartAsync(network);
        const ulong Length = 3_000_000;
        await farm.ServeAsync("web", _ => new HeadReader("b", Length), farm.A);
        await farm.ServeAsync("web", _ => new Streamer(), farm.B);

        string file = Path.GetTempFileName();
        try
        {
            RealNetwork.Run(network.Client, "curl", "--silent", "--fail", "--max-time", "30", "--output", file, "http://198.51.100.101/anything");
            byte[] expected = new byte[Length];
            new GeneratedStream(HeadReader.Key).Fill(0, expected);
            Assert.Equal(expected, File.ReadAllBytes(file));
        }
        finally
        {
            File.Delete(file);
        }

        Assert.Equal(1, (await farm.A.Engine.CountersAsync()).HandoffsOut);
        Assert.Equal(1, (await farm.B.Engine.CountersAsync()).HandoffsIn);
    }

    [RealFact]
    public async Task Half_a_request_and_the_applications_context_travel()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 first", await client.AskAsync("first"));
        await client.SendAsync("half a re"u8.ToArray(), Wait.Patience());
        await farm.A.WaitForAsync(e => e.ReceiveQueue == "half a re".Length);

        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);

        Assert.Equal("half a re".Length, (await farm.B.SingleAsync()).ReceiveQueue);
        Assert.Equal("b 2 half a request", await client.AskAsync("quest"));
    }

    [RealFact]
    public async Task Half_a_response_travels_with_what_the_client_has_not_acknowledged()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeAsync("web", node => new Burst(node.Name, 6 << 20));
        var client = await farm.ConnectAsync();

        // The client reads nothing: its window closes, and the rest stays at A.
        await client.SendAsync("g"u8.ToArray(), Wait.Patience());
        await farm.A.WaitForAsync(e => e.SendQueue > 1 << 20);
        long before = (await farm.A.SingleAsync()).SendQueue;
        await farm.MoveAsync(RealFarm.FlowOf(client), farm.B);
        Assert.InRange((await farm.B.SingleAsync()).SendQueue, 1, before + (4 << 20));

        byte[] received = new byte[6 << 20];
        byte[] expected = new byte[6 << 20];
        new GeneratedStream(Burst.Key).Fill(0, expected);
        for (int at = 0; at < received.Length;)
        {
            int length = await client.ReceiveAsync(received.AsMemory(at), Wait.Patience());
            Assert.NotEqual(0, length);
            at += length;
        }

        Assert.True(received.AsSpan().SequenceEqual(expected));
        Assert.Equal("b", await client.ReadLineAsync());
    }

    private static async Task MoveWhileStreamingAsync(RealFarm farm, params RealNode[] way)
    {
        await farm.ServeAsync("web", _ => new Duplex());
        var socket = await farm.ConnectAsync();
        var client = DuplexClient.Start(socket);
        foreach (var next in way)
        {
            await client.ProgressAsync(4 << 20);
            await farm.MoveAsync(RealFarm.FlowOf(socket), next);
        }

        await client.ProgressAsync(4 << 20);
        var (owner, _) = await farm.OwnerAsync(RealFarm.FlowOf(socket));
        Assert.Same(way[^1], owner);
        await client.FinishAsync();
        foreach (var node in farm.Nodes)
        {
            Assert.Equal(0, (await node.Engine.CountersAsync()).ResetsSent);
        }
    }

    /// <summary>Reads a request's head, answers with a response's, and has another kind of application go on at another node.</summary>
    private sealed class HeadReader(string target, ulong length) : SampleApplication
    {
        public const ulong Key = 77;

        public override string Name => "head-reader";

        public override async Task ServeAsync(Connection connection)
        {
            var head = await HttpHead.PeekAsync(connection, default);
            await connection.AdvanceAsync(head!.Length);
            await connection.SendAllAsync(HttpHead.Response("200 OK", length));
            await connection.HandOffAsync(new HandOffRequest
            {
                Target = target,
                Application = Streamer.ApplicationName,
                Context = new StreamContext(Key, 0, length).Encode(),
            });
        }
    }

    /// <summary>Sends a generated stream of a given length, then the name of the node that sent its last byte.</summary>
    private sealed class Burst(string node, ulong length) : SampleApplication
    {
        public const ulong Key = 78;

        public override string Name => "burst";

        public override async Task ServeAsync(Connection connection)
        {
            if (!StreamContext.TryDecode(connection.Context.Span, out var context))
            {
                await connection.ReceiveAsync(new byte[1]);
                context = new StreamContext(Key, 0, length);
            }

            var generator = new GeneratedStream(context.Key);
            byte[] buffer = new byte[64 << 10];
            while (context.Position < context.End)
            {
                var part = buffer.AsMemory(0, (int)Math.Min((ulong)buffer.Length, context.End - context.Position));
                generator.Fill(context.Position, part.Span);
                try
                {
                    int sent = await connection.SendAsync(part, connection.MoveRequested);
                    context = context with { Position = context.Position + (ulong)sent };
                }
                catch (OperationCanceledException)
                {
                    if (await TryMoveAsync(connection, context.Encode()))
                    {
                        return;
                    }
                }
            }

            await connection.SendAllAsync(Encoding.ASCII.GetBytes(node + "\n"));
        }
    }
}

using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>R33: packets that arrive during a handoff are held, and there is one emitter at a time.</summary>
public sealed class EmissionTests(RealNetwork network)
{
    [RealFact]
    public async Task Packets_that_arrive_during_a_handoff_are_held_and_none_is_dropped()
    {
        // A slow lan makes a handoff so long that packets arrive during it.
        var slow = new FaultProfile { Delay = TimeSpan.FromMilliseconds(5) };
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup
        {
            LanOf = (name, link) => new FaultLink(link, slow, FaultProfile.Perfect, seed: name[0], static () => MonotonicClock.Now),
        });
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(client);
        await client.AskAsync("one");

        // Lines are sent all the time, each its own segment, while the connection moves.
        int lines = 0, held = 0;
        foreach (var target in (RealNode[])[farm.B, farm.C, farm.A])
        {
            var move = farm.MoveAsync(flow, target);
            while (!move.IsCompleted)
            {
                await client.SendAsync(System.Text.Encoding.ASCII.GetBytes($"line {lines++}\n"), Wait.Patience());
                await Task.Delay(1);
            }

            held += (await move).HeldPackets;
        }

        for (int i = 0; i < lines; i++)
        {
            Assert.EndsWith($" {i + 2} line {i}", await client.ReadLineAsync(), StringComparison.Ordinal);
        }

        Assert.True(held > 0, "packets were held");
        // A busy machine makes the client send some of them again, and those are old; nothing else is dropped.
        string[] harmless = [nameof(DropReason.NotOurMac), nameof(DropReason.TcpUnacceptable)];
        foreach (var node in farm.Nodes)
        {
            Assert.Empty((await node.Engine.CountersAsync()).Drops.Keys.Except(harmless));
        }
    }

    [RealFact]
    public async Task At_no_time_do_two_nodes_emit_for_one_connection()
    {
        await using var farm = await RealFarm.StartAsync(network);
        await farm.ServeAsync("web", _ => new Duplex());
        var socket = await farm.ConnectAsync();
        var flow = RealFarm.FlowOf(socket);
        var captures = farm.Nodes.Select(node => farm.Capture(node.Front)).ToList();
        var client = DuplexClient.Start(socket);
        await client.ProgressAsync(1 << 20);
        string order = "a";
        for (int i = 1; i <= 12; i++)
        {
            await farm.MoveAsync(flow, farm.Nodes[i % 3]);
            await client.ProgressAsync(256 << 10);
            order += RealNetwork.NodeNames[i % 3];
        }

        await client.FinishAsync();

        var emitted = captures
            .SelectMany((capture, i) => capture.Stop().Out().ToClient(flow).Select(p => (p.Time, Node: RealNetwork.NodeNames[i], Packet: p)))
            .OrderBy(e => e.Time)
            .ToList();
        string changes = emitted.Aggregate("", (text, e) => text.Length > 0 && text[^1] == e.Node[0] ? text : text + e.Node);
        Assert.Equal(order, changes);

        // A client that gets the FIN twice acknowledges it twice, and its second ACK finds no connection any more (RFC 9293
        // §3.10.7.1): a reset beyond the FIN breaks nothing.
        var fin = emitted.First(e => e.Packet.Has(TcpFlags.Fin)).Packet;
        var end = fin.Tcp.Sequence + (uint)fin.Payload.Length + 1;
        emitted.RemoveAll(e => e.Packet.Has(TcpFlags.Rst) && e.Packet.Tcp.Sequence == end);
        Assert.DoesNotContain(emitted, e => e.Packet.Has(TcpFlags.Rst));

        // What has been acknowledged, and the promised right edge, never go back from one node to the next.
        Assert.All(emitted.Zip(emitted.Skip(1)), pair => Assert.True(
            pair.Second.Packet.Tcp.Acknowledgment >= pair.First.Packet.Tcp.Acknowledgment,
            $"{pair.First.Node} {pair.First.Packet} then {pair.Second.Node} {pair.Second.Packet}"));
    }
}

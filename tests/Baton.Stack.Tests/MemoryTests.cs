using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>What an idle connection costs in the stack's own structures: endpoint, tables, timers.</summary>
[Collection(nameof(Alone))]
public sealed class MemoryTests
{
    private const int Endpoints = 100_000;

    [Fact]
    public void An_idle_established_endpoint_takes_little_beside_its_connection()
    {
        var host = Host.AtHome(new StackLimits { UnattachedEndpoints = Endpoints }).Knowing(Host.Gateway, Host.ClientMac);
        var scratch = new byte[70_000];
        Establish(host, 0, 100, scratch);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Establish(host, 100, Endpoints, scratch);
        long endpoints = GC.GetTotalMemory(forceFullCollection: true) - before;
        before = GC.GetTotalMemory(forceFullCollection: true);
        var connections = Connections();
        long alone = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.Equal(Endpoints, host.Stack.Endpoints.Count(e => e is TcpEndpoint { IsEstablished: true }));
        int own = (int)((endpoints - alone) / (Endpoints - 100));
        TestContext.Current.TestOutputHelper?.WriteLine($"{own} bytes an endpoint, its connection {alone / connections.Length}");
        Assert.InRange(own, 100, 400);
        Assert.InRange(alone / connections.Length, 100, 640);
    }

    private static TcpConnection[] Connections()
    {
        var made = new TcpConnection[Endpoints - 100];
        for (int i = 0; i < made.Length; i++)
        {
            var tuple = Tuple(i + 100);
            var now = Instant.Zero;
            made[i] = TcpConnection.Accept(TcpSettings.Default, tuple, new TcpHeader { Flags = TcpFlags.Syn, Sequence = new SeqNum(700) }, default, 0, now);
            made[i].TryEmit(now, 0, out _);
            made[i].OnSegment(now, new TcpHeader { Flags = TcpFlags.Ack, Sequence = new SeqNum(701), Acknowledgment = new SeqNum(1), Window = 1000 }, default);
            made[i].TakeEvents();
        }

        return made;
    }

    private static void Establish(Host host, int from, int to, byte[] scratch)
    {
        for (int i = from; i < to; i++)
        {
            var tuple = Tuple(i);
            host.Receive(Instant.Zero, Frames.Tcp(tuple, TcpFlags.Syn, 700));
            var endpoint = (TcpEndpoint)host.Created!;
            Drain(host, scratch);
            host.Receive(Instant.Zero, Frames.Tcp(tuple, TcpFlags.Ack, 701, endpoint.Connection!.Sequence.Iss.Value + 1));
            host.Stack.Attach(endpoint, host, "idle");
            Drain(host, scratch);
        }
    }

    private static FourTuple Tuple(int i) =>
        new(Host.ServiceAddress, 80, InetAddress.FromV4(0xCB00_7100 + (uint)(i >> 14)), (ushort)(1024 + (i & 0x3FFF)));

    private static void Drain(Host host, byte[] scratch)
    {
        while (host.Stack.TryTakeEvent(out _, out _))
        {
        }

        while (host.Stack.TryEmit(Instant.Zero, scratch, out _))
        {
        }
    }
}

/// <summary>Tests that measure the process's memory: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

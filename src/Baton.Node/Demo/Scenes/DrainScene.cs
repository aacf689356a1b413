using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Baton.Hosting;

namespace Baton.Node.Demo;

/// <summary>One node is drained while its connections are in use: they move, and none breaks.</summary>
internal static class DrainScene
{
    private const string Drained = "b";
    private const int Connections = 24;
    private const int NewRequests = 12;
    private const int AtLeast = 4;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterDrain = TimeSpan.FromMilliseconds(200);

    public static async Task RunAsync(DemoFarm farm, DemoClient client, DemoView view, DemoReport report, CancellationToken cancellation)
    {
        var step = view.Begin("drain " + Drained);
        var sockets = client.Sockets(Connections, SocketType.Stream);
        using var stop = new CancellationTokenSource();
        var talks = sockets.Select(s => new Talk(s, farm.Plan.Service(DemoConfiguration.EchoPort))).ToArray();
        var talking = talks.Select(t => t.RunAsync(stop.Token, cancellation)).ToArray();
        await UntilAsync(farm, () => talks.All(t => t.Rounds > 0 || t.Failure is not null), cancellation);

        await BringAsync(farm, cancellation);
        int before = await EndpointsAsync(farm, cancellation);
        var drain = await farm["a"].DrainAsync(Drained, cancellation);
        while (drain.State == "running")
        {
            await Task.Delay(PollInterval, cancellation);
            drain = await farm["a"].DrainProgressAsync(Drained, cancellation);
            step.Now($"{drain.Progress?.Moved} of {drain.Progress?.Total} connections moved");
        }

        int after = await EndpointsAsync(farm, cancellation);
        var rounds = talks.Select(t => t.Rounds).ToArray();
        await Task.Delay(AfterDrain, cancellation);
        await UntilAsync(farm, () => talks.Zip(rounds).All(p => p.First.Rounds > p.Second || p.First.Failure is not null), cancellation);
        var served = await Task.WhenAll(client.Sockets(NewRequests, SocketType.Stream).Select(s => ShortRequests.AskAsync(s, farm.Plan.Service(DemoConfiguration.WebPort), cancellation)));
        await stop.CancelAsync();
        await Task.WhenAll(talking);
        await farm["a"].ResumeAsync(Drained, cancellation);

        int broken = talks.Count(t => t.Failure is not null);
        string moved = string.Create(CultureInfo.InvariantCulture, $"{before} connections at {Drained} before, {after} after; {broken} of {Connections} broken");
        bool held = report.Check("drain: the node's connections moved, none broke", drain.State == "done" && before > 0 && after == 0 && broken == 0, moved)
            & report.Check("drain: no new connection went to the drained node", served.All(n => n is not null and not Drained), string.Join(' ', served));
        step.Done(held, moved + (drain.Error is { } error ? $" ({error})" : ""));
    }

    /// <summary>The policy puts where it likes; a few are moved to the node, should it have none.</summary>
    private static async Task BringAsync(DemoFarm farm, CancellationToken cancellation)
    {
        var elsewhere = (await farm["a"].ConnectionsAsync(cancellation: cancellation)).Connections.Where(c => IsEcho(c) && c.Node != Drained).ToArray();
        foreach (var connection in elsewhere.Take(Math.Max(0, elsewhere.Length - Connections + AtLeast)))
        {
            await farm["a"].MoveAsync(new(connection.Client, Drained), cancellation);
        }
    }

    private static bool IsEcho(ConnectionView c) => c is { Service: "echo", State: "ESTABLISHED" };

    private static async Task<int> EndpointsAsync(DemoFarm farm, CancellationToken cancellation) =>
        (await farm[Drained].ConnectionsAsync(local: true, cancellation)).Connections.Count(IsEcho);

    private static async Task UntilAsync(DemoFarm farm, Func<bool> condition, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            while (!condition())
            {
                farm.RequireRunning();
                await Task.Delay(PollInterval, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new DemoException("The echo connections did not go on within 10 s.");
        }
    }

    /// <summary>One connection that sends and checks its echo, over and over.</summary>
    private sealed class Talk(Socket socket, IPEndPoint service)
    {
        private const int MessageLength = 700;
        private int _rounds;

        public int Rounds => Volatile.Read(ref _rounds);

        public string? Failure { get; private set; }

        public async Task RunAsync(CancellationToken stop, CancellationToken cancellation)
        {
            using (socket)
            {
                try
                {
                    await socket.ConnectAsync(service, cancellation);
                    await using var stream = new NetworkStream(socket);
                    var sent = new byte[MessageLength];
                    var received = new byte[MessageLength];
                    while (!stop.IsCancellationRequested)
                    {
                        Random.Shared.NextBytes(sent);
                        await stream.WriteAsync(sent, cancellation);
                        await stream.ReadExactlyAsync(received, cancellation);
                        if (!sent.AsSpan().SequenceEqual(received))
                        {
                            Failure = "the echo differs";
                            return;
                        }

                        Interlocked.Increment(ref _rounds);
                    }

                    // An end in order: nothing unread is left behind, which the kernel would answer with RST.
                    socket.Shutdown(SocketShutdown.Send);
                    _ = await stream.ReadAsync(received, cancellation);
                }
                catch (Exception failure) when (failure is IOException or SocketException)
                {
                    Failure = failure.Message;
                }
            }
        }
    }
}

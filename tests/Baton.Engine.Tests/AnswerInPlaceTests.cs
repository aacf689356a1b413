using System.IO.Pipelines;
using System.Net.Sockets;

namespace Baton.Engine.Tests;

/// <summary>The application's thread that answers the only client who speaks runs the shard in its thread's place.</summary>
[Collection(nameof(Alone))]
public sealed class AnswerInPlaceTests
{
    private const int Length = 100;

    /// <param name="clients">So many speak at once.</param>
    /// <param name="inPlace">Whether the application's threads may run the shard.</param>
    /// <param name="seen">Whether they do; null where it depends on who is how fast.</param>
    [Theory(Skip = KernelFarm.RootOnly, SkipUnless = nameof(KernelFarm.IsRoot), SkipType = typeof(KernelFarm))]
    [InlineData(1, true, true)]
    [InlineData(1, false, false)]
    [InlineData(3, true, null)]
    public async Task Each_client_is_answered_once_and_in_order(int clients, bool inPlace, bool? seen)
    {
        await using var farm = await KernelFarm.StartAsync(1, options => options with { AnswersInPlace = inPlace, SpinTime = TimeSpan.FromMilliseconds(10) });
        await using var listener = await farm.Nodes[0].BindAsync(new BatonEndPoint("tcp"), "echo");
        var talks = new List<Task>();
        var echoes = new List<Echo>();
        for (int number = 0; number < clients; number++)
        {
            var client = await farm.ConnectAsync();
            await client.SendAsync(new byte[] { 0 });
            var echo = new Echo(await listener.AcceptAsync(Patience()));
            echoes.Add(echo);
            await client.ReceiveAsync(new byte[1], Patience());

            // On a busy machine it may take longer until a thread of the pool comes first.
            talks.Add(TalkAsync(client, 1000, () => seen == true && !echo.WasSentByPool));
        }

        await Task.WhenAll(talks);
        await Task.WhenAll(echoes.Select(echo => echo.Ended));
        Assert.True(seen is null || echoes.Any(echo => echo.WasSentByPool) == seen);
    }

    private static async Task TalkAsync(Socket client, int times, Func<bool> goesOn)
    {
        var patience = Patience();
        using (client)
        {
            byte[] said = new byte[Length], heard = new byte[Length];
            for (int i = 0; i < times || (goesOn() && !patience.IsCancellationRequested); i++)
            {
                Array.Fill(said, (byte)i);
                await client.SendAsync(said, Patience());
                for (int at = 0; at < Length;)
                {
                    int length = await client.ReceiveAsync(heard.AsMemory(at), Patience());
                    Assert.NotEqual(0, length);
                    at += length;
                }

                Assert.Equal(said, heard);
            }

            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await client.ReceiveAsync(heard, Patience()));
        }
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    /// <summary>Says again what it hears, on threads of the pool.</summary>
    private sealed class Echo
    {
        private readonly Connection _connection;
        private readonly Pipe _input = new(new PipeOptions(readerScheduler: PipeScheduler.ThreadPool, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        private readonly Pipe _output = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.ThreadPool, useSynchronizationContext: false));
        private readonly ConnectionPump _pump;
        private volatile bool _wasSentByPool;

        public Echo(Connection connection)
        {
            _connection = connection;
            _pump = connection.Pump(_input.Writer, new Watched(_output.Reader, this));
            Ended = RunAsync();
        }

        public Task Ended { get; }

        /// <summary>Whether a thread of the pool has taken anything to send.</summary>
        public bool WasSentByPool => _wasSentByPool;

        private async Task RunAsync()
        {
            while (await _input.Reader.ReadAsync(Patience()) is var read && !(read.IsCompleted && read.Buffer.IsEmpty))
            {
                foreach (var part in read.Buffer)
                {
                    await _output.Writer.WriteAsync(part, Patience());
                }

                _input.Reader.AdvanceTo(read.Buffer.End);
            }

            await _output.Writer.CompleteAsync();
            await _pump.Completion.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await _connection.DisposeAsync();
        }

        private sealed class Watched(PipeReader inner, Echo echo) : PipeReader
        {
            public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

            public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
            {
                echo._wasSentByPool |= Thread.CurrentThread.IsThreadPoolThread;
                inner.AdvanceTo(consumed, examined);
            }

            public override void CancelPendingRead() => inner.CancelPendingRead();

            public override void Complete(Exception? exception = null) => inner.Complete(exception);

            public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => inner.ReadAsync(cancellationToken);

            public override bool TryRead(out ReadResult result) => inner.TryRead(out result);
        }
    }
}

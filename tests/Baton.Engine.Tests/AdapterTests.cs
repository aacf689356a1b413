using System.IO.Pipelines;
using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;

namespace Baton.Engine.Tests;

/// <summary>A connection as a <see cref="Stream"/> and as an <see cref="IDuplexPipe"/>, in virtual time with inline continuations.</summary>
public sealed class AdapterTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<Connection> _accepted = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly Farm _farm = new(new FarmSettings
    {
        ClientTcp = TcpSettings.Default with { ReceiveBufferLimit = 64 * 1024 },
        Adjust = options => PacketPathTests.Copy(options, new EngineLimits { SendBuffer = 64 * 1024 }),
    });

    public void Dispose() => _farm.Dispose();

    [Fact]
    public void A_stream_gives_what_the_client_sent_and_then_its_end()
    {
        var (client, connection) = Connected();
        using var stream = connection.AsStream();
        Assert.Equal((true, true, false), (stream.CanRead, stream.CanWrite, stream.CanSeek));

        var read = stream.ReadAsync(_buffer).AsTask();
        _farm.RunFor(TimeSpan.FromMilliseconds(10));
        Assert.False(read.IsCompleted);
        client.Write(_farm.Now, "hello"u8);
        Assert.Equal("hello"u8, _buffer.AsSpan(0, Result(read)));

        client.CloseWrite(_farm.Now);
        Assert.Equal(0, Result(stream.ReadAsync(_buffer).AsTask()));
        Assert.Equal(0, Result(stream.ReadAsync(_buffer).AsTask()));
    }

    [Fact]
    public void A_write_to_a_stream_waits_until_the_client_has_taken_enough()
    {
        var (client, connection) = Connected();
        using var stream = connection.AsStream();
        byte[] content = Content(1_000_000);

        var write = stream.WriteAsync(content).AsTask();
        _farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.False(write.IsCompleted);

        byte[] received = ReadAll(client, content.Length);
        Assert.Equal(content, received);
        Until(() => write.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_cancelled_read_of_a_stream_has_consumed_nothing_and_the_next_one_reads()
    {
        var (client, connection) = Connected();
        using var stream = connection.AsStream();
        using var cancellation = new CancellationTokenSource();
        var read = stream.ReadAsync(_buffer, cancellation.Token).AsTask();
        _farm.RunFor(TimeSpan.FromMilliseconds(1));

        cancellation.Cancel();
        Until(() => read.IsCompleted);
        Assert.True(read.IsCanceled);

        client.Write(_farm.Now, "abc"u8);
        Assert.Equal("abc"u8, _buffer.AsSpan(0, Result(stream.ReadAsync(_buffer).AsTask())));
    }

    [Fact]
    public void A_cancelled_write_that_found_no_room_has_sent_nothing()
    {
        var (client, connection) = Connected();
        using var stream = connection.AsStream();
        byte[] content = Content(1_000_000);
        int sent = 0;
        using var cancellation = new CancellationTokenSource();
        Fill(connection, content, ref sent, cancellation.Token, out var waiting);

        cancellation.Cancel();
        Until(() => waiting.IsCompleted);
        Assert.True(waiting.IsCanceled);

        Assert.Equal(content[..sent], ReadAll(client, sent));
        stream.Dispose();
        Until(() => client.Connection!.ReadCompleted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Disposing_a_stream_closes_the_connection_after_what_was_written(bool synchronously)
    {
        var (client, connection) = Connected();
        var stream = connection.AsStream();
        var write = stream.WriteAsync("bye"u8.ToArray()).AsTask();
        Until(() => write.IsCompleted);

        var disposed = Task.CompletedTask;
        if (synchronously)
        {
            // On the thread that runs the shard: waiting here would never end.
            stream.Dispose();
        }
        else
        {
            disposed = stream.DisposeAsync().AsTask();
        }

        Assert.Equal("bye"u8.ToArray(), ReadAll(client, 3));
        Until(() => client.Connection!.ReadCompleted && disposed.IsCompleted);
        client.Close(_farm.Now);
        _farm.Clients[0].Touch();
        Until(() => client.Phase == EndpointPhase.Closed);
        Assert.Equal(TcpCloseReason.Normal, client.Connection!.CloseReason);
        stream.Dispose();
    }

    [Fact]
    public void A_stream_of_a_connection_that_has_moved_says_so()
    {
        var (_, connection) = Connected();
        using var stream = connection.AsStream();
        var read = stream.ReadAsync(_buffer).AsTask();
        _farm.RunFor(TimeSpan.FromMilliseconds(1));

        _ = connection.HandOffAsync("b").AsTask();
        Until(() => read.IsCompleted);

        Assert.IsType<EndpointLeftException>(read.Exception!.InnerException);
        var write = stream.WriteAsync(_buffer).AsTask();
        Until(() => write.IsCompleted);
        Assert.IsType<EndpointLeftException>(write.Exception!.InnerException);
        Assert.Single(_farm["b"].Endpoints);
    }

    [Fact]
    public void A_pipe_closes_each_direction_by_itself()
    {
        var (client, connection) = Connected();
        var pipe = connection.AsPipe();
        var flush = pipe.Output.WriteAsync("head"u8.ToArray()).AsTask();
        Until(() => flush.IsCompleted);
        var complete = pipe.Output.CompleteAsync().AsTask();
        Assert.Equal("head"u8.ToArray(), ReadAll(client, 4));
        Until(() => client.Connection!.ReadCompleted && complete.IsCompleted);

        // The other direction is open.
        client.Write(_farm.Now, "tail"u8);
        var read = Result(pipe.Input.ReadAsync().AsTask());
        Assert.Equal(4, read.Buffer.Length);
        Assert.False(read.IsCompleted);
        pipe.Input.AdvanceTo(read.Buffer.End);
        client.CloseWrite(_farm.Now);
        var end = Result(pipe.Input.ReadAsync().AsTask());
        Assert.True(end.IsCompleted);
        pipe.Input.Complete();
        Until(() => client.Phase == EndpointPhase.Closed || client.Connection!.State == TcpState.TimeWait);
        Assert.Equal(0, _farm.Clients[0].ResetsSeen);
    }

    [Fact]
    public void A_flush_of_a_pipe_waits_until_the_client_has_taken_enough()
    {
        var (client, connection) = Connected();
        var pipe = connection.AsPipe();
        byte[] content = Content(500_000);

        var flush = pipe.Output.WriteAsync(content).AsTask();
        _farm.RunFor(TimeSpan.FromSeconds(1));
        Assert.False(flush.IsCompleted);

        Assert.Equal(content, ReadAll(client, content.Length));
        Until(() => flush.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_read_of_a_pipe_can_be_cancelled_and_loses_nothing()
    {
        var (client, connection) = Connected();
        var pipe = connection.AsPipe();
        var read = pipe.Input.ReadAsync().AsTask();
        _farm.RunFor(TimeSpan.FromMilliseconds(1));

        pipe.Input.CancelPendingRead();
        Assert.True(Result(read).IsCanceled);

        client.Write(_farm.Now, "abc"u8);
        var next = Result(pipe.Input.ReadAsync().AsTask());
        Assert.Equal(3, next.Buffer.Length);
        pipe.Input.AdvanceTo(next.Buffer.Start, next.Buffer.End);

        // What was looked at and not consumed comes again, with what is new.
        client.Write(_farm.Now, "de"u8);
        Assert.Equal(5, Result(pipe.Input.ReadAsync().AsTask()).Buffer.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Continuations_run_on_the_shards_thread_only_where_they_are_inline(bool inline)
    {
        var (client, connection) = Connected(inline);
        int shard = Environment.CurrentManagedThreadId;
        var continuation = ThreadAfterReadAsync(connection);
        client.Write(_farm.Now, "x"u8);
        _farm.Clients[0].Touch();
        _farm.RunFor(TimeSpan.FromMilliseconds(10));

        // This thread does not run anything else meanwhile.
        Assert.True(SpinWait.SpinUntil(() => continuation.IsCompleted, Patience));
        Assert.Equal(inline, Result(continuation) == shard);
    }

    private static async Task<int> ThreadAfterReadAsync(Connection connection)
    {
        await connection.ReceiveAsync(new byte[10]).ConfigureAwait(false);
        return Environment.CurrentManagedThreadId;
    }

    private static byte[] Content(int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    /// <summary>Sends until a send waits.</summary>
    private void Fill(Connection connection, byte[] content, ref int sent, CancellationToken cancellation, out Task<int> waiting)
    {
        while (true)
        {
            waiting = connection.SendAsync(content.AsMemory(sent), cancellation).AsTask();
            _farm.RunFor(TimeSpan.FromMilliseconds(50));
            if (!waiting.IsCompleted)
            {
                return;
            }

            sent += waiting.Result;
        }
    }

    private (TcpEndpoint Client, Connection Connection) Connected(bool inline = true)
    {
        _farm.Connect();
        foreach (var node in _farm.Nodes)
        {
            node.Bind("tcp", () => new AsyncEndpoint(node.Shard, inline) { Accepted = endpoint => _accepted.Add(new Connection(endpoint)) });
        }

        var client = _farm.Clients[0].Connect(_farm["a"].ServiceAddress, 80);
        Until(() => _accepted.Count == 1);
        return (client, _accepted[0]);
    }

    /// <summary>
    /// Runs the farm until something is so. What an adapter awaits may go on on the thread pool, of which virtual time knows
    /// nothing: real time is what bounds it.
    /// </summary>
    private void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(
        () =>
        {
            _farm.RunFor(TimeSpan.FromMilliseconds(1));
            return condition();
        },
        Patience));

    private T Result<T>(Task<T> task)
    {
        _farm.Clients[0].Touch();
        Until(() => task.IsCompleted);
        return task.Result;
    }

    private byte[] ReadAll(TcpEndpoint client, int length)
    {
        byte[] content = new byte[length];
        int received = 0;
        Until(
            () =>
            {
                received += client.Read(_farm.Now, content.AsSpan(received));
                _farm.Clients[0].Touch();
                return received == length;
            });
        return content;
    }
}

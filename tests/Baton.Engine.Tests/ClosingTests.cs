using Baton.Simulation;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>The end of a connection: told to its home, across moves and reused ports.</summary>
public sealed class ClosingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // A client that does not read leaves most of what the farm has to send unsent.
    private static readonly FarmSettings s_smallWindow = new() { ClientTcp = TcpSettings.Default with { ReceiveBufferLimit = 64 * 1024 } };

    [Fact]
    public void The_end_of_a_connection_in_TIME_WAIT_leaves_the_entry_of_its_successor_alone()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        farm["a"].Bind("tcp", () => new Closer([]));
        var client = farm.Clients[0];
        var first = client.Connect(farm["a"].ServiceAddress, 80);
        farm.RunUntil(() => first.Connection!.State == TcpState.CloseWait, Limit);
        first.Close(farm.Now);
        client.Touch();
        farm.RunUntil(() => first.Phase == EndpointPhase.Closed, Limit);
        var old = farm["a"].Endpoint;
        Assert.Equal(TcpState.TimeWait, farm["a"].Tcp?.Connection!.State);
        Assert.Equal(0u, farm["a"].Shard.MeasureState().LiveConnections);

        // RFC 6191: the same ports again, while the farm's end is in TIME-WAIT.
        farm.RunFor(TimeSpan.FromMilliseconds(10));
        var second = client.Stack.Connect(farm.Now, first.Flow.Tuple)!;
        client.Touch();
        farm.RunUntil(() => second.Connection!.State == TcpState.CloseWait, Limit);

        var successor = farm["a"].Endpoint;
        Assert.Equal(old.Flow, successor.Flow);
        Assert.NotEqual(old.Id, successor.Id);
        Assert.Equal(1, farm["a"].Shard.Flows.Count);

        // Its own end takes its own entry along.
        second.Close(farm.Now);
        client.Touch();
        farm.RunUntil(() => farm["a"].Shard.Flows.Count == 0, TimeSpan.FromMinutes(5));
        Assert.Empty(farm["a"].Endpoints);
        Assert.Equal(0, client.ResetsSeen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_connection_that_its_application_has_closed_moves_with_what_is_left_to_send(bool clientClosesFirst)
    {
        // Nodes b and c have no application: none is needed to finish.
        using var farm = new Farm(s_smallWindow).Connect();
        byte[] content = Content(1_000_000);
        farm["a"].Bind("tcp", () => new Closer(content) { AwaitsFin = clientClosesFirst });
        var reader = new Reader(farm, content);
        if (clientClosesFirst)
        {
            farm.RunUntil(() => reader.Endpoint.IsEstablished, Limit);
            reader.Endpoint.CloseWrite(farm.Now);
            farm.Clients[0].Touch();
        }

        var state = clientClosesFirst ? TcpState.LastAck : TcpState.FinWait1;
        farm.RunUntil(() => farm["a"].Tcp?.Connection!.State == state, Limit);
        farm.RunFor(TimeSpan.FromMilliseconds(100));

        string[] trip = ["a", "b", "c"];
        for (int i = 1; i < trip.Length; i++)
        {
            var move = farm[trip[i - 1]].Move(farm[trip[i]]);
            farm.RunUntil(() => move.Result is not null, Limit);
            Assert.True(move.Result!.Moved, move.Result.ToString());
            Assert.True(farm[trip[i]].Endpoint.IsUnattached);
            Assert.Equal(state, farm[trip[i]].Tcp!.Connection!.State);
            reader.Limit += content.Length / trip.Length;
            farm.RunUntil(() => reader.Received >= reader.Limit, Limit);
        }

        reader.Limit = content.Length;
        farm.RunUntil(() => reader.Endpoint.Connection!.ReadCompleted, Limit);
        Assert.Equal(content.Length, reader.Received);
        reader.Endpoint.Close(farm.Now);
        farm.Clients[0].Touch();
        farm.RunUntil(() => farm["a"].Shard.Flows.Count == 0 && reader.Endpoint.Phase == EndpointPhase.Closed, TimeSpan.FromMinutes(5));
        Assert.Equal(TcpCloseReason.Normal, reader.Endpoint.Connection!.CloseReason);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
        Assert.Empty(farm.Errors);
        Assert.All(farm.Nodes, node => Assert.Empty(node.Endpoints));
    }

    [Fact]
    public void A_connection_that_is_closing_stays_closing_when_its_move_fails()
    {
        using var farm = new Farm(s_smallWindow).Connect();
        byte[] content = Content(300_000);
        var closer = new Closer(content);
        farm["a"].Bind("tcp", () => closer);
        var reader = new Reader(farm, content);
        farm.RunUntil(() => farm["a"].Tcp?.Connection!.State == TcpState.FinWait1, Limit);

        farm["b"].Shard.SetDraining(true);
        var move = farm["a"].Move(farm["b"]);
        farm.RunUntil(() => move.Result is not null, Limit);

        Assert.Equal(MoveOutcome.Rejected, move.Result!.Outcome);
        Assert.Equal(0, closer.Failures);
        Assert.False(closer.Attachment!.IsOpen);
        reader.Limit = content.Length;
        farm.RunUntil(() => reader.Endpoint.Connection!.ReadCompleted, Limit);
        Assert.Equal(content.Length, reader.Received);
        Assert.Empty(farm.Errors);
    }

    [Fact]
    public void A_drain_takes_connections_along_whose_applications_have_closed_them()
    {
        using var farm = new Farm(s_smallWindow).Connect();
        byte[] content = Content(500_000);
        farm["a"].Bind("tcp", () => new Closer(content));
        var readers = Enumerable.Range(0, 5).Select(_ => new Reader(farm, content)).ToArray();
        farm.RunUntil(() => farm["a"].Endpoints.Count(e => e.State == "FIN-WAIT-1") == readers.Length, Limit);

        DrainProgress? last = null;
        farm["a"].Shard.Drain(progress => last = progress);
        farm["a"].Touch();
        farm.RunUntil(() => last is { Remaining: 0 }, Limit);

        Assert.Equal((readers.Length, 0), (last!.Moved, last.Failed));
        Assert.Empty(farm["a"].Endpoints);
        foreach (var reader in readers)
        {
            reader.Limit = content.Length;
        }

        farm.Clients[0].Touch();
        farm.RunUntil(() => readers.All(reader => reader.Endpoint.Connection!.ReadCompleted), Limit);
        Assert.All(readers, reader => Assert.Equal(content.Length, reader.Received));
        Assert.Empty(farm.Errors);
        Assert.Equal(0, farm.Clients[0].ResetsSeen);
    }

    private static byte[] Content(int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    /// <summary>A client that reads up to a limit and compares.</summary>
    private sealed class Reader
    {
        private readonly Farm _farm;
        private readonly byte[] _content;
        private readonly byte[] _buffer = new byte[16 * 1024];
        private int _limit;

        public Reader(Farm farm, byte[] content)
        {
            _farm = farm;
            _content = content;
            Endpoint = farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
            var next = farm.Clients[0].OnEvent;
            farm.Clients[0].OnEvent = (endpoint, events) =>
            {
                next?.Invoke(endpoint, events);
                if (ReferenceEquals(endpoint, Endpoint))
                {
                    Read();
                }
            };
        }

        public TcpEndpoint Endpoint { get; }

        public int Received { get; private set; }

        /// <summary>No more than so many bytes are read until it is raised.</summary>
        public int Limit
        {
            get => _limit;
            set
            {
                _limit = value;
                Read();
                _farm.Clients[0].Touch();
            }
        }

        private void Read()
        {
            while (Endpoint.Read(_farm.Now, _buffer.AsSpan(0, Math.Min(_buffer.Length, Limit - Received))) is > 0 and var read)
            {
                if (!_buffer.AsSpan(0, read).SequenceEqual(_content.AsSpan(Received, read)))
                {
                    _farm.Errors.Add($"The client read a wrong byte after {Received}.");
                }

                Received += read;
            }
        }
    }

    /// <summary>Writes what it has, and closes at once, or when the client has closed its direction.</summary>
    private sealed class Closer(byte[] content) : IEndpointApplication
    {
        private int _written;

        public bool AwaitsFin { get; init; }

        public Attachment? Attachment { get; private set; }

        public int Failures { get; private set; }

        public void OnAttached(Attachment attachment)
        {
            Attachment = attachment;
            OnWritable(attachment);
        }

        public void OnReadable(Attachment attachment) => OnWritable(attachment);

        public void OnWritable(Attachment attachment)
        {
            _written += attachment.Write(content.AsSpan(_written));
            if (_written == content.Length && (!AwaitsFin || attachment.NoMoreToCome))
            {
                attachment.Close();
            }
        }

        public void OnMoveRequested(Attachment attachment, MoveRequest request) => Assert.Fail("It is the engine's to move.");

        public void OnHandOffFailed(Attachment attachment, MoveResult result) => Failures++;

        public void OnLeft(Attachment attachment, LeaveReason reason)
        {
        }
    }
}

using Baton.Engine;
using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>A TCP flow: the client's end, and what both ends' applications have done so far.</summary>
internal sealed class StreamFlow : SimulatedFlow
{
    private readonly TcpEndpoint _endpoint;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private long _sent;
    private long _received;
    private long _sendLimit;
    private bool _paused;
    private bool _hasPaused;
    private bool _closed;

    public StreamFlow(SimulationRun run, int index, FarmClient client, FarmNode home, TcpEndpoint endpoint, StreamPlan plan)
        : base(run, index, client, home, endpoint.Flow.Tuple, IpProtocol.Tcp)
    {
        Plan = plan;
        ToClient = new Pattern(plan.Key);
        FromClient = new Pattern(~plan.Key);
        _endpoint = endpoint;

        // The last bytes wait until the handoffs have been asked for, so that these meet a live connection.
        _sendLimit = plan.Up - Math.Min(plan.Up / 8, 8 * 1024);
    }

    public StreamPlan Plan { get; }

    public Pattern ToClient { get; }

    public Pattern FromClient { get; }

    /// <summary>The farm's application that has the connection now, or null.</summary>
    public StreamApplication? Application { get; set; }

    /// <summary>Bytes that the farm's applications have read.</summary>
    public long ReadByFarm { get; set; }

    /// <summary>Whether the farm's application has closed the connection.</summary>
    public bool FarmHasClosed { get; set; }

    /// <summary>Whether the farm's reader has paused already.</summary>
    public bool FarmHasPaused { get; set; }

    public override bool IsComplete =>
        _received == Plan.Down && _sent == Plan.Up && _closed && ReadByFarm == Plan.Up && _endpoint.Connection!.ReadCompleted;

    public override bool IsLost => MayBeLost && !IsComplete
        && (_endpoint.Phase == EndpointPhase.Closed || (HasNothingToSay && !Run.IsAnywhere(Flow)));

    /// <summary>
    /// Whether both streams are complete and the farm's TIME-WAIT is over: a last FIN that is repeated so late is answered with RST
    /// (RFC 9293 §3.10.7.1).
    /// </summary>
    private bool HasOutlastedFarm => _received == Plan.Down && ReadByFarm == Plan.Up && FarmHasClosed && !Run.IsAnywhere(Flow);

    /// <summary>Whether nothing that the client has sent waits for an answer.</summary>
    private bool HasNothingToSay => _endpoint.Connection is { IsSynchronized: true } connection
        && connection.Sender.Queue.Length == 0 && connection.Sequence.SndUna == connection.Sequence.SndNxt;

    public override string Progress =>
        $"client read {_received} of {Plan.Down}, wrote {_sent} of {Plan.Up}, farm read {ReadByFarm}, client {_endpoint.Connection!.State}";

    public TcpEndpoint ClientEndpoint => _endpoint;

    public override void Release()
    {
        _sendLimit = Plan.Up;
        Continue();
    }

    public void OnEvents(EndpointEvents events)
    {
        if ((events & EndpointEvents.Closed) != 0 && _endpoint.Connection!.CloseReason != TcpCloseReason.Normal && !MayBeLost && !HasOutlastedFarm)
        {
            Run.Fail($"{Flow}: the client's connection ended: {_endpoint.Connection.CloseReason}.");
        }

        Read();
        Write();
    }

    public override void OnCrash(FarmNode node)
    {
        base.OnCrash(node);
        Application = Application?.Node == node.Name ? null : Application;
    }

    /// <summary>At the end: a client that waits for what nobody sends any more gives up.</summary>
    public void GiveUp()
    {
        if (_endpoint.Phase != EndpointPhase.Closed)
        {
            Run.Totals.Count(Total.LostInSilence);
            _endpoint.Abort(Run.Now);
            Client.Touch();
            return;
        }

        if (_endpoint.Connection!.CloseReason == TcpCloseReason.Normal)
        {
            // Both ends had closed, and the node was lost before its application had read all that it had acknowledged.
            Run.Totals.Count(Total.LostInSilence);
            return;
        }

        if (_endpoint.Connection.CloseReason is not (TcpCloseReason.ResetByPeer or TcpCloseReason.Refused))
        {
            Run.Fail($"{Flow}: was lost, and its client was told {_endpoint.Connection.CloseReason}.");
        }

        Run.Totals.Count(Total.LostAndReset);
    }

    private void Continue()
    {
        Read();
        Write();
        Client.Touch();
    }

    private void Read()
    {
        while (!_paused && _endpoint.Read(Run.Now, _buffer) is > 0 and var read)
        {
            int wrong = ToClient.Mismatch(_buffer.AsSpan(0, read), _received);
            if (wrong >= 0)
            {
                Run.Fail($"{Flow}: the client read a wrong byte at {_received + wrong}.");
            }

            _received += read;
            if (Plan.ClientPause is { } pause && !_hasPaused && _received >= pause.At)
            {
                _hasPaused = _paused = true;
                Run.Mover.MoveWithin(this, pause.Length);
                Run.After(pause.Length, () =>
                {
                    _paused = false;
                    Continue();
                });
            }
        }
    }

    private void Write()
    {
        while (_sent < _sendLimit && _endpoint.IsEstablished)
        {
            int length = (int)Math.Min(_buffer.Length, _sendLimit - _sent);
            FromClient.Fill(_buffer.AsSpan(0, length), _sent);
            int written = _endpoint.Write(Run.Now, _buffer.AsSpan(0, length));
            _sent += written;
            if (written < length)
            {
                return;
            }
        }

        if (!_closed && _sent == Plan.Up && (Plan.ClientClosesEarly || _received == Plan.Down))
        {
            _closed = true;
            _endpoint.CloseWrite(Run.Now);
        }
    }
}

using System.Buffers;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>A handoff that this node takes part in, from its beginning to its outcome.</summary>
internal sealed class RunningHandoff(HandoffId id, EndpointRecord record, NodeId peer)
{
    private byte[] _buffer = [];

    public HandoffId Id { get; } = id;

    /// <summary>The endpoint at this node.</summary>
    public EndpointRecord Record { get; } = record;

    /// <summary>The other side.</summary>
    public NodeId Peer { get; } = peer;

    /// <summary>Whether this node takes the endpoint.</summary>
    public bool IsArrival { get; init; }

    /// <summary>The source's carried state, written when it is frozen.</summary>
    public byte[] Carried { get; init; } = [];

    /// <summary>The source's queues that went ahead of the image; empty for none.</summary>
    public ReadOnlyMemory<byte> Precopied { get; private set; }

    /// <summary>Up to where they are in <see cref="Precopied"/>: what is to be sent, and what was received.</summary>
    public (long Send, long Receive) PrecopiedTo { get; private set; }

    /// <summary>Where the channel is once the peer has <see cref="Precopied"/>; null until they are on it.</summary>
    public long? PrecopyMark { get; set; }

    /// <summary>Copies the queues into a buffer of a pool.</summary>
    public void Precopy(Instant now, Tcp.TcpConnection connection, ArrayPool<byte> buffers)
    {
        var snapshot = connection.ToSnapshot(now);
        int length = PrecopiedQueues.Length(snapshot);
        _buffer = buffers.Rent(length);
        PrecopiedQueues.Copy(snapshot, _buffer);
        Precopied = _buffer.AsMemory(0, length);
        PrecopiedTo = (snapshot.SendQueue.End, snapshot.ReceiveQueue.End);
    }

    /// <summary>Gives the buffer back: the queues are with the target, or are not needed there.</summary>
    public void ReleaseBuffer(ArrayPool<byte> buffers)
    {
        if (_buffer.Length > 0)
        {
            buffers.Return(_buffer);
            _buffer = [];
            Precopied = default;
        }
    }

    /// <summary>Called once with the outcome.</summary>
    public Action<MoveResult>? OnEnded { get; init; }

    /// <summary>Bytes of the image.</summary>
    public long ImageBytes { get; set; }

    /// <summary>Packets held here meanwhile.</summary>
    public long HeldPackets { get; set; }

    /// <summary>Packets that the endpoint had held before it began.</summary>
    public long HeldBefore { get; set; }

    /// <summary>The epoch after it.</summary>
    public Epoch Epoch { get; set; }
}

/// <summary>A move that an application was asked for.</summary>
internal sealed class PendingMove(MoveRequest request, Instant deadline, Action<MoveResult>? onEnded)
{
    public MoveRequest Request { get; } = request;

    /// <summary>Until when the application may answer.</summary>
    public Instant Deadline { get; } = deadline;

    /// <summary>Called once with the outcome.</summary>
    public Action<MoveResult>? OnEnded { get; } = onEnded;
}

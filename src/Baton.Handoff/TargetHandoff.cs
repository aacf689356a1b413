using System.Buffers;
using Baton.Handoff.Messages;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>Where a target is. Before <see cref="Ready"/> it may give up by itself, from then on only the home decides.</summary>
internal enum TargetPhase : byte
{
    /// <summary>The engine makes the embryo.</summary>
    Creating,

    /// <summary>The embryo holds packets; PRECOPY and STATE are awaited.</summary>
    AwaitingState,

    /// <summary>The engine checks and installs the image.</summary>
    Installing,

    /// <summary>The reference is written and the home is asked.</summary>
    Ready,

    /// <summary>This node is the home and has said yes; it emits once the source has heard that, or is gone.</summary>
    Committed,
}

/// <summary>One handoff to this node.</summary>
internal sealed class TargetHandoff(NodeId source, in Prepare prepare, NodeId home, ArrayPool<byte> buffers)
{
    /// <summary>How many times as much as is here there may be room for.</summary>
    private const int MostAhead = 8;

    private readonly int _expected = prepare.ExpectedStateBytes;
    private byte[] _precopied = [];
    private int _precopiedRoom;
    private int _precopiedLength;
    private byte[] _state = [];
    private int _stateLength;
    private int _stateReceived;

    public NodeId Source { get; } = source;

    public MessageHeader Header { get; } = prepare.Header;

    /// <summary>Whether the source was lost since: nobody is left that would have to hear the home's yes before this node emits.</summary>
    public bool SourceIsLost { get; set; }

    /// <summary>Who decides; changes with the home role.</summary>
    public NodeId Home { get; set; } = home;

    /// <summary>Whether there is another home, or another channel to it, since the embryo was READY.</summary>
    public bool HomeIsAskedAnew { get; set; }

    /// <summary>The source's endpoint: the home swaps only while its entry names it.</summary>
    public EndpointId SourceEndpoint { get; } = prepare.Endpoint;

    public string ApplicationName { get; } = prepare.ApplicationName;

    public TargetPhase Phase { get; set; }

    public EndpointId Embryo { get; set; }

    public EncodedReference Reference { get; set; }

    public Instant StateArrivedAt { get; set; }

    /// <summary>The epoch that the ownership has on the home's yes.</summary>
    public Epoch NewEpoch => Header.Epoch + 1;

    public int PrecopiedBytes => _precopiedLength;

    public ReadOnlyMemory<byte> Precopied => _precopied.AsMemory(0, _precopiedLength);

    /// <summary>Bytes of memory kept for this handoff.</summary>
    public int BufferedBytes => _precopiedRoom + _stateLength;

    public bool StateIsComplete => _stateLength > 0 && _stateReceived == _stateLength;

    public bool StateHasBegun => _stateReceived > 0;

    public ReadOnlyMemory<byte> State => _state.AsMemory(0, _stateLength);

    public void Append(in Precopy message)
    {
        int room = RoomWith(message);
        if (room > _precopiedRoom)
        {
            byte[] grown = buffers.Rent(room);
            Precopied.Span.CopyTo(grown);
            Return(ref _precopied);
            _precopied = grown;
            _precopiedRoom = room;
        }

        message.Bytes.CopyTo(_precopied.AsSpan(_precopiedLength));
        _precopiedLength += message.Bytes.Length;
    }

    /// <summary>Takes the chunk if it is the next one, or the first of STATE sent again.</summary>
    public bool TryTake(in State message)
    {
        if (message.Offset == 0)
        {
            ForgetState();
            _state = buffers.Rent(message.Total);
            _stateLength = message.Total;
        }
        else if (message.Total != _stateLength || message.Offset != _stateReceived)
        {
            return false;
        }

        message.Bytes.CopyTo(_state.AsSpan(message.Offset));
        _stateReceived += message.Bytes.Length;
        return true;
    }

    /// <summary>Forgets the chunks of a STATE that broke off.</summary>
    public void ForgetState()
    {
        Return(ref _state);
        _stateLength = 0;
        _stateReceived = 0;
    }

    /// <summary>Gives the buffers back: nothing that was slices of them is in use any more.</summary>
    public void Release()
    {
        ForgetState();
        Return(ref _precopied);
        _precopiedRoom = 0;
        _precopiedLength = 0;
    }

    /// <summary>What <see cref="BufferedBytes"/> would be with the piece.</summary>
    public long BufferedBytesWith(in Precopy message) => (long)RoomWith(message) + _stateLength;

    /// <summary>What <see cref="BufferedBytes"/> would be with the chunk.</summary>
    public long BufferedBytesWith(in State message) => (long)_precopiedRoom + message.Total;

    private int RoomWith(in Precopy message)
    {
        int length = _precopiedLength + message.Bytes.Length;

        // What the source expects is believed as far as a part of it is here.
        return length <= _precopiedRoom ? _precopiedRoom
            : Math.Max(Math.Max(length, Math.Min(_expected, MostAhead * length)), 2 * _precopiedRoom);
    }

    private void Return(ref byte[] buffer)
    {
        if (buffer.Length > 0)
        {
            buffers.Return(buffer);
            buffer = [];
        }
    }
}

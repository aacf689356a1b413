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
}

/// <summary>One handoff to this node.</summary>
internal sealed class TargetHandoff(NodeId source, in Prepare prepare)
{
    private readonly ArrayBufferWriter<byte> _precopied = new();
    private byte[] _state = [];
    private int _stateReceived;

    public NodeId Source { get; } = source;

    public MessageHeader Header { get; } = prepare.Header;

    public NodeId Home { get; } = prepare.Home;

    public string ApplicationName { get; } = prepare.ApplicationName;

    public TargetPhase Phase { get; set; }

    public EndpointId Embryo { get; set; }

    public EncodedReference Reference { get; set; }

    public Instant StateArrivedAt { get; set; }

    /// <summary>The epoch that the ownership has on the home's yes.</summary>
    public Epoch NewEpoch => Header.Epoch + 1;

    public int PrecopiedBytes => _precopied.WrittenCount;

    public ReadOnlyMemory<byte> Precopied => _precopied.WrittenMemory;

    /// <summary>Bytes kept for this handoff.</summary>
    public int BufferedBytes => _precopied.WrittenCount + _state.Length;

    public bool StateIsComplete => _state.Length > 0 && _stateReceived == _state.Length;

    public bool StateHasBegun => _stateReceived > 0;

    public ReadOnlyMemory<byte> State => _state;

    public void Append(in Precopy message) => _precopied.Write(message.Bytes);

    /// <summary>Takes the chunk if it is the next one, or the first of STATE sent again.</summary>
    public bool TryTake(in State message)
    {
        if (message.Offset == 0)
        {
            _state = message.Total == _state.Length ? _state : new byte[message.Total];
            _stateReceived = 0;
        }
        else if (message.Total != _state.Length || message.Offset != _stateReceived)
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
        _state = [];
        _stateReceived = 0;
    }

    /// <summary>What <see cref="BufferedBytes"/> would be with the chunk.</summary>
    public long BufferedBytesWith(in State message) => (long)_precopied.WrittenCount + message.Total;
}

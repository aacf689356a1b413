using Baton.Stack;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>
/// One flow as script and stack see it: the script counts sequence numbers from its own start on each side, and writes
/// timestamps of its own.
/// </summary>
internal sealed class FlowMap(FourTuple tuple)
{
    /// <summary>What is added to the remote end's script numbers: they wrap 768 bytes into the stream in every script.</summary>
    private const uint RemoteOffset = 0xFFFF_FD00;

    private readonly Dictionary<uint, uint> _timestamps = [];
    private (uint Script, uint Live)? _firstTimestamp;
    private uint? _localOffset;
    private Endpoint? _endpoint;

    public FourTuple Tuple { get; } = tuple;

    /// <summary>What crossed the wire.</summary>
    public TransmissionLog Log { get; } = new();

    /// <summary>The script's number of the remote SYN.</summary>
    public uint RemoteStart { get; private set; }

    /// <summary>The script's number of our SYN.</summary>
    public uint LocalStart { get; private set; }

    /// <summary>A SYN of the remote end is in the script.</summary>
    /// <param name="scriptNumber">The script's number of it.</param>
    /// <param name="opens">There is no connection: what was known of the local numbers was about one that is gone.</param>
    public void OnRemoteSyn(uint scriptNumber, bool opens)
    {
        RemoteStart = scriptNumber;
        _localOffset = opens ? null : _localOffset;
    }

    /// <summary>A SYN of ours left: from here on the local numbers are known.</summary>
    public void OnLocalSyn(uint scriptNumber, SeqNum live, Endpoint? endpoint)
    {
        if (_localOffset is null || endpoint != _endpoint)
        {
            (_localOffset, _endpoint, LocalStart) = (live.Value - scriptNumber, endpoint, scriptNumber);
        }
    }

    public SeqNum LocalToLive(uint script) => new(script + _localOffset.GetValueOrDefault());

    public uint LocalToScript(SeqNum live) => live.Value - _localOffset.GetValueOrDefault();

    public static SeqNum RemoteToLive(uint script) => new(script + RemoteOffset);

    public static uint RemoteToScript(SeqNum live) => live.Value - RemoteOffset;

    /// <summary>A TSval of ours was seen where the script has its own.</summary>
    public void OnTimestamp(uint script, uint live)
    {
        _firstTimestamp ??= (script, live);
        _timestamps[script] = live;
    }

    public uint TimestampToLive(uint script) =>
        _timestamps.TryGetValue(script, out uint live) ? live
        : _firstTimestamp is { } first && script != 0 ? first.Live + (script - first.Script)
        : script;

    public uint TimestampToScript(uint live) => _firstTimestamp is { } first ? live - first.Live + first.Script : live;

    /// <summary>Whether a TSval of ours has advanced as far as the script's, counted in ticks of a length.</summary>
    public bool IsTimestampDue(uint script, uint live, TimeSpan tick, TimeSpan tolerance) =>
        tick == TimeSpan.Zero
        || _firstTimestamp is not { } first
        || Math.Abs((int)(live - first.Live) - (int)(script - first.Script)) <= (tolerance / tick) + 1;
}

using System.Buffers.Binary;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// A connection that somebody at a peer's address has made, until its first record shows that it is the peer: it begins
/// with a mark (2 bytes) and the session's number (8 bytes). Until then it has no effect on the channel that is there.
/// </summary>
internal sealed class ArrivingChannel(PeerChannel channel, PeerSessions sessions, TcpEndpoint endpoint, Instant deadline) : IDisposable
{
    /// <summary>Bytes before the first record.</summary>
    public const int PrefaceLength = 10;

    private const ushort Mark = 0xBA82;

    private readonly byte[] _preface = new byte[PrefaceLength];
    private int _read;
    private PeerSession? _session;
    private SealedInput? _input;

    /// <summary>The channel that it may become.</summary>
    public PeerChannel Channel => channel;

    /// <summary>When it is given up.</summary>
    public Instant Deadline => deadline;

    /// <summary>Writes what the peer sends first.</summary>
    public static void WritePreface(Span<byte> destination, ulong session)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, Mark);
        BinaryPrimitives.WriteUInt64BigEndian(destination[2..], session);
    }

    /// <summary>Something happened at the connection.</summary>
    /// <returns>What is to become of it; <see cref="DropReason.None"/> when it waits on, or is the channel now.</returns>
    public DropReason OnEvents(Instant now, EndpointEvents events, out bool isChannel)
    {
        isChannel = false;
        while (_read < PrefaceLength)
        {
            int read = endpoint.Read(now, _preface.AsSpan(_read));
            if (read == 0)
            {
                return HasEnded(events) ? DropReason.MessageMalformed : DropReason.None;
            }

            _read += read;
        }

        if (_input is null)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(_preface) != Mark)
            {
                return DropReason.MessageMalformed;
            }

            _session = sessions.Find(channel.Peer, BinaryPrimitives.ReadUInt64BigEndian(_preface.AsSpan(2)));
            if (_session is not { IsUsed: false })
            {
                return DropReason.MessageUnauthentic;
            }

            _input = new SealedInput(_session.ChannelReceiver());
        }

        if (!_input.TryFill(endpoint, now))
        {
            return DropReason.MessageUnauthentic;
        }

        if (!_input.HasContent)
        {
            return HasEnded(events) ? DropReason.MessageMalformed : DropReason.None;
        }

        isChannel = true;
        channel.Accept(endpoint, _session!, _input);
        _input = null;
        return DropReason.None;
    }

    /// <summary>Gives it up.</summary>
    public void GiveUp(Instant now)
    {
        Dispose();
        endpoint.Abort(now);
    }

    /// <inheritdoc/>
    public void Dispose() => _input?.Dispose();

    private bool HasEnded(EndpointEvents events) =>
        (events & EndpointEvents.Closed) != 0 || endpoint.Connection is not { ReadCompleted: false };
}

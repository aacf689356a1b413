using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The binding of one application to one endpoint. Used on the shard's thread only.</summary>
public sealed class Attachment
{
    private readonly Shard _shard;
    private readonly TcpEndpoint? _tcp;
    private readonly UdpEndpoint? _udp;
    private ReadOnlyMemory<byte> _unread;
    private AttachmentState _state;
    private Ending _endingAfterHandOff;

    internal Attachment(
        Shard shard, Endpoint endpoint, AttachmentFacts facts, IEndpointApplication application, ReadOnlyMemory<byte> unread, bool transparent)
    {
        _shard = shard;
        Endpoint = endpoint;
        _tcp = endpoint as TcpEndpoint;
        _udp = endpoint as UdpEndpoint;
        Facts = facts;
        User = application;
        _unread = unread;
        MovesTransparently = transparent;
    }

    private enum AttachmentState
    {
        /// <summary>The application uses it.</summary>
        Open,

        /// <summary>The application has handed it off; undecided.</summary>
        HandingOff,

        /// <summary>The application has closed it.</summary>
        Closing,

        /// <summary>The endpoint is not the application's any more.</summary>
        Left,
    }

    /// <summary>How the application ended the connection while it was frozen; done when the handoff is called off.</summary>
    private enum Ending
    {
        None,
        Close,
        Abort,
    }

    /// <summary>What does not change.</summary>
    public AttachmentFacts Facts { get; }

    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => Facts.Id;

    /// <summary>Whether the engine may move the endpoint without asking.</summary>
    public bool MovesTransparently { get; }

    /// <summary>Bytes that <see cref="Read"/> would give now (TCP), or the length of the datagram that waits (UDP).</summary>
    public int ReadableBytes => !MayRead ? 0
        : _tcp is not null ? _unread.Length + _tcp.Connection!.ReadableBytes
        : Math.Max(0, _udp!.NextLength);

    /// <summary>Whether the client has closed its direction: what is readable now is all there will be.</summary>
    public bool NoMoreToCome => MayRead && _tcp is not null && _tcp.Connection!.State is
        TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait or TcpState.Closed;

    /// <summary>Whether a read that waits for <paramref name="minimum"/> bytes or the stream's end (UDP: for a datagram) need not wait.</summary>
    public bool HasInput(int minimum) => _udp is not null
        ? MayRead && _udp.NextLength >= 0
        : MayRead && (ReadableBytes >= minimum || NoMoreToCome);

    /// <summary>Whether the client has closed its direction and everything was read.</summary>
    public bool ReadCompleted => NoMoreToCome && ReadableBytes == 0;

    /// <summary>Bytes that <see cref="Write"/> would take now.</summary>
    public int WriteCapacity => !IsOpen ? 0 : _tcp is not null ? _tcp.Connection!.WriteCapacity : UdpEndpoint.MaxPayload;

    /// <summary>Whether the application can use it: it is neither handing off nor closing.</summary>
    public bool IsOpen => _state == AttachmentState.Open && Endpoint.Phase == EndpointPhase.Active;

    /// <summary>The endpoint.</summary>
    internal Endpoint Endpoint { get; }

    /// <summary>The application.</summary>
    internal IEndpointApplication User { get; }

    /// <summary>Why the connection ended, for people.</summary>
    internal string CloseText => _tcp?.Connection?.CloseReason switch
    {
        null => "the flow was idle",
        TcpCloseReason.Normal => "both ends have closed",
        TcpCloseReason.ResetByPeer => "reset by the peer",
        TcpCloseReason.Refused => "refused by the peer",
        TcpCloseReason.Aborted => "aborted",
        TcpCloseReason.TimedOut => "the peer does not answer",
        TcpCloseReason.Unreachable => "the peer cannot be reached",
        TcpCloseReason.UserTimeout => "the peer took nothing for too long",
        var other => other.ToString()!,
    };

    /// <summary>Whether the connection ended by both ends' closing, so that what was received can still be read.</summary>
    internal bool EndedInOrder => _tcp?.Connection is { CloseReason: TcpCloseReason.Normal };

    /// <summary>What came of the handoff that took the endpoint away.</summary>
    internal MoveResult? LeaveResult { get; private set; }

    private bool MayRead => _state is AttachmentState.Open && Endpoint.Phase == EndpointPhase.Active
        || _state == AttachmentState.Left && EndedInOrder;

    /// <summary>Reads bytes of the stream, or one datagram (what does not fit is cut off).</summary>
    public int Read(Span<byte> destination)
    {
        int taken = ReadUnread(ref destination);
        if (!MayRead || (destination.IsEmpty && _tcp is not null))
        {
            return taken;
        }

        return taken + (_tcp is not null ? _tcp.Read(_shard.Now, destination) : _udp!.TryReceive(destination, out int length, out _, out _) ? length : 0);
    }

    /// <summary>Reads bytes of the stream without taking them (TCP).</summary>
    public int Peek(Span<byte> destination)
    {
        if (!MayRead || _tcp is null)
        {
            return 0;
        }

        int total = Copy(_unread.Span, ref destination);
        _tcp.Connection!.Peek(out var first, out var second);
        total += Copy(first, ref destination);
        return total + Copy(second, ref destination);
    }

    /// <summary>
    /// Bytes of the stream where they stand, without taking or copying them (TCP): the oldest ones, not always all that
    /// <see cref="ReadableBytes"/> counts. Valid until the next call on this attachment, and no longer than the call of the
    /// application in which they were asked for.
    /// </summary>
    public ReadOnlySpan<byte> PeekInPlace()
    {
        if (!MayRead || _tcp is null || !_unread.IsEmpty)
        {
            return MayRead && _tcp is not null ? _unread.Span : default;
        }

        _tcp.Connection!.Peek(out var first, out _);
        return first;
    }

    /// <summary>Takes bytes seen by <see cref="Peek"/> or <see cref="PeekInPlace"/> off the stream.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer bytes.</exception>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ReadableBytes);
        int unread = Math.Min(count, _unread.Length);
        _unread = _unread[unread..];
        if (count > unread)
        {
            _tcp!.Consume(_shard.Now, count - unread);
        }
    }

    /// <summary>Writes what fits and says how many; a datagram is taken whole or not at all.</summary>
    public int Write(ReadOnlySpan<byte> source) =>
        !IsOpen ? 0 : _tcp is not null ? _tcp.Write(_shard.Now, source) : SendDatagram(source);

    /// <summary>Writes datagrams of <paramref name="datagramLength"/> bytes, the last of what is left, as one batch (UDP; as UDP_SEGMENT).</summary>
    /// <returns>Bytes written: all of them, or 0 when it is not open.</returns>
    /// <exception cref="ArgumentException">They are more than 65,507 bytes together.</exception>
    public int WriteBatch(ReadOnlySpan<byte> source, int datagramLength) => !IsOpen || _udp is null ? 0
        : CountSent(_udp.SendBatch(_shard.Now, source, datagramLength), source.Length);

    /// <summary>
    /// Reads the oldest datagram and those of its length that wait behind it, as many as fit and the last perhaps shorter
    /// (UDP; as UDP_GRO).
    /// </summary>
    /// <param name="destination">Where they go, one after the other.</param>
    /// <param name="datagramLength">Bytes of each but the last.</param>
    /// <returns>Bytes read.</returns>
    public int ReadBatch(Span<byte> destination, out int datagramLength)
    {
        datagramLength = 0;
        if (!_unread.IsEmpty)
        {
            return datagramLength = Read(destination);
        }

        return MayRead && _udp is not null && _udp.TryReceiveBatch(destination, out int length, out datagramLength, out _, out _) ? length : 0;
    }

    /// <summary>Sets whether small writes go at once, although earlier ones are not acknowledged (TCP).</summary>
    public void SetNoDelay(bool noDelay) => _tcp?.SetNoDelay(noDelay);

    /// <summary>What the connection does (TCP; null for UDP).</summary>
    public ConnectionOptions? Options => _tcp is { Connection: not null } ? ConnectionOptions.Of(_tcp) : null;

    /// <summary>Lets the connection do otherwise from now on (TCP).</summary>
    public void SetOptions(ConnectionOptions options)
    {
        if (_tcp is not null)
        {
            options.Apply(_tcp, _shard.Now);
        }
    }

    /// <summary>Closes the sending direction after all that was written.</summary>
    public void CloseWrite()
    {
        if (IsOpen)
        {
            _tcp?.CloseWrite(_shard.Now);
        }
    }

    /// <summary>
    /// Closes both directions in order; nothing is read any more. During a handoff it waits for the outcome: a connection
    /// that has moved is the next application's, one that stays is closed.
    /// </summary>
    public void Close()
    {
        if (_state == AttachmentState.Open && Endpoint.Phase != EndpointPhase.Frozen)
        {
            _state = AttachmentState.Closing;
            _shard.Close(this);
        }
        else if (_state is AttachmentState.HandingOff or AttachmentState.Open && _endingAfterHandOff == Ending.None)
        {
            _endingAfterHandOff = Ending.Close;
        }
    }

    /// <summary>
    /// Ends the connection with a reset. One that is frozen for a handoff cannot be reset: the handoff is called off, and
    /// the reset follows when that is granted. Otherwise the connection has moved and goes on at its new owner.
    /// </summary>
    public void Abort()
    {
        if (_state != AttachmentState.Left && Endpoint.Phase == EndpointPhase.Frozen)
        {
            _endingAfterHandOff = Ending.Abort;
            _shard.Handoffs.CallOff(Endpoint);
        }
        else
        {
            _shard.Abort(Endpoint);
        }
    }

    /// <summary>
    /// Begins to hand the endpoint off: from now on it can neither be read nor written, until
    /// <see cref="IEndpointApplication.OnLeft"/> or <see cref="IEndpointApplication.OnHandOffFailed"/> is called. What
    /// cannot begin fails at once.
    /// </summary>
    public void HandOff(HandOffRequest request)
    {
        if (_state == AttachmentState.Open)
        {
            _state = AttachmentState.HandingOff;
            var unread = request.Unread.IsEmpty ? _unread : Join(request.Unread, _unread);
            _shard.Handoffs.BeginAttached(this, request, unread);
        }
    }

    /// <summary>Leaves the endpoint here, unattached.</summary>
    /// <param name="context">For whoever attaches next.</param>
    /// <param name="unread">Bytes taken but not used: whoever attaches next reads them first.</param>
    public void Detach(ReadOnlyMemory<byte> context = default, ReadOnlyMemory<byte> unread = default)
    {
        if (_state == AttachmentState.Open)
        {
            _shard.Detach(this, context, unread.IsEmpty ? _unread : Join(unread, _unread));
        }
    }

    /// <summary>Nobody has used it yet: the next listener gets it as it is.</summary>
    internal void Release()
    {
        if (_state == AttachmentState.Open)
        {
            _shard.Release(this, _unread);
        }
    }

    /// <summary>Something happened at the endpoint.</summary>
    internal void OnEvents(EndpointEvents events)
    {
        if (IsOpen && (events & (EndpointEvents.Readable | EndpointEvents.RemoteClosed)) != 0)
        {
            User.OnReadable(this);
        }

        if (IsOpen && (events & EndpointEvents.Writable) != 0)
        {
            User.OnWritable(this);
        }
    }

    /// <summary>The engine moves the endpoint by itself.</summary>
    internal ReadOnlyMemory<byte> Quiesce()
    {
        _state = AttachmentState.HandingOff;
        return _unread;
    }

    /// <summary>The endpoint was silent while its home could not be heard, and goes on.</summary>
    internal void Continue()
    {
        End();
        OnEvents(EndpointEvents.Readable | EndpointEvents.Writable);
    }

    /// <summary>The handoff did not succeed.</summary>
    internal void Resume(MoveResult result)
    {
        bool wasHandingOff = _state == AttachmentState.HandingOff;
        _state = wasHandingOff ? AttachmentState.Open : _state;
        End();
        if (wasHandingOff)
        {
            User.OnHandOffFailed(this, result);
        }
    }

    /// <summary>Ends the connection, if the application wanted that while it was frozen.</summary>
    private void End()
    {
        if (Endpoint.Phase == EndpointPhase.Frozen)
        {
            return;
        }

        var ending = _endingAfterHandOff;
        _endingAfterHandOff = Ending.None;
        switch (ending)
        {
            case Ending.Close:
                Close();
                break;
            case Ending.Abort:
                _state = AttachmentState.Closing;
                _shard.Abort(Endpoint);
                break;
        }
    }

    /// <summary>The endpoint is not the application's any more.</summary>
    internal void Leave(LeaveReason reason, MoveResult? result = null)
    {
        if (_state != AttachmentState.Left)
        {
            _state = AttachmentState.Left;
            LeaveResult = result;
            User.OnLeft(this, reason);
        }
    }

    private static byte[] Join(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) => [.. first.Span, .. second.Span];

    private static int Copy(ReadOnlySpan<byte> source, ref Span<byte> destination)
    {
        int length = Math.Min(source.Length, destination.Length);
        source[..length].CopyTo(destination);
        destination = destination[length..];
        return length;
    }

    // What the network would lose anyway counts as sent; only a datagram that can never be sent is an error.
    private int SendDatagram(ReadOnlySpan<byte> source) => CountSent(_udp!.Send(_shard.Now, source), source.Length);

    private static int CountSent(UdpSendResult result, int length) => result is UdpSendResult.TooLong
        ? throw new ArgumentException($"A datagram, and a batch of them, has at most {UdpEndpoint.MaxPayload} bytes.", nameof(length))
        : length;

    private int ReadUnread(ref Span<byte> destination)
    {
        if (_unread.IsEmpty || !MayRead)
        {
            return 0;
        }

        int length = Copy(_unread.Span, ref destination);
        _unread = _unread[length..];
        return length;
    }
}

using System.Runtime.CompilerServices;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The endpoint of a TCP connection. The application's calls go through it, so that what they make due is sent and timed;
/// <see cref="Connection"/> is for looking.
/// </summary>
public sealed class TcpEndpoint : Endpoint
{
    private readonly TcpDriver _driver;

    // The flow until there is a connection, which knows it.
    private StrongBox<Flow>? _awaited;

    internal TcpEndpoint(
        TcpDriver driver, Flow flow, EndpointId id, Epoch epoch, Service? service, EndpointPhase phase, Instant now)
        : base(id, epoch, service, phase, now)
    {
        _driver = driver;
        _awaited = new(flow);
    }

    /// <summary>The connection; null only in an embryo that has no image yet.</summary>
    public TcpConnection? Connection
    {
        get;
        internal set => (field, _awaited) = (value, null);
    }

    /// <inheritdoc/>
    public override Flow Flow => Connection is { } connection ? new(IpProtocol.Tcp, connection.Tuple) : _awaited!.Value;

    /// <inheritdoc/>
    public override long PacketsIn => Connection?.Counters.SegmentsReceived ?? 0;

    /// <inheritdoc/>
    public override long PacketsOut => Connection?.Counters.SegmentsSent ?? 0;

    /// <inheritdoc/>
    public override long BytesIn => Connection?.Counters.BytesReceived ?? 0;

    /// <inheritdoc/>
    public override long BytesOut => Connection?.Counters.BytesSent ?? 0;

    /// <summary>The listener of the node's own address that made it, or null.</summary>
    public TcpListener? Listener { get; internal set; }

    /// <summary>Whether it is only what another node left of a connection in TIME-WAIT: nobody is to have it.</summary>
    public bool IsResidue { get; internal init; }

    internal bool CountsInBacklog { get; set; }

    /// <summary>Whether its listener has it for whoever accepts; TCP Fast Open tells of a connection twice.</summary>
    internal bool IsListed { get; set; }

    /// <summary>Whether it counts against the bound of open handshakes.</summary>
    internal bool CountsAsHalfOpen { get; set; }

    /// <summary>Whether it counts against the bound of connections opened fast.</summary>
    internal bool CountsAsOpenedFast { get; set; }

    /// <summary>Whether an application may have it: the handshake is complete, or TCP Fast Open spares it waiting (RFC 7413 §4.2.2).</summary>
    public bool IsOpen => Connection is { IsSynchronized: true } or { OpenedFast: true };

    /// <summary>Whether the handshake is complete.</summary>
    public bool IsEstablished => Connection is { IsSynchronized: true };

    private protected override int Unread =>
        Connection is { State: not (TcpState.TimeWait or TcpState.Closed) } connection ? connection.ReadableBytes : -1;

    /// <summary>Writes as much as there is room for and returns how many bytes that was.</summary>
    public int Write(Instant now, ReadOnlySpan<byte> bytes)
    {
        if (Phase != EndpointPhase.Active)
        {
            return 0;
        }

        int written = Connection!.Write(bytes);
        _driver.AfterCall(this, now);
        return written;
    }

    /// <summary>Takes memory for so many bytes that are about to be written, so that their queue need not grow step by step.</summary>
    public void ReserveToSend(int bytes)
    {
        if (Phase == EndpointPhase.Active)
        {
            Connection!.ReserveToSend(bytes);
        }
    }

    /// <summary>Reads what is there, at most the destination's length, and returns how many bytes that was.</summary>
    public int Read(Instant now, Span<byte> destination)
    {
        if (Connection is null || Phase is EndpointPhase.Frozen or EndpointPhase.Embryo)
        {
            return 0;
        }

        int read = Connection.Read(destination);
        _driver.AfterCall(this, now);
        return read;
    }

    /// <summary>Takes bytes that were seen by <see cref="TcpConnection.Peek"/> off the stream.</summary>
    public void Consume(Instant now, int count)
    {
        Connection!.Consume(count);
        _driver.AfterCall(this, now);
    }

    /// <summary>Half-close: a FIN follows what was written.</summary>
    public void CloseWrite(Instant now)
    {
        if (Phase == EndpointPhase.Active)
        {
            Connection!.CloseWrite(now);
            _driver.AfterCall(this, now);
        }
    }

    /// <summary>Closes both directions: nobody reads any more (RFC 1122 §4.2.2.13).</summary>
    public void Close(Instant now)
    {
        if (Phase == EndpointPhase.Active)
        {
            Connection!.Close(now);
            _driver.AfterCall(this, now);
        }
    }

    /// <summary>Closes with one RST.</summary>
    public void Abort(Instant now)
    {
        if (Phase == EndpointPhase.Active)
        {
            Connection!.Abort(now);
            _driver.AfterCall(this, now);
        }
    }

    /// <inheritdoc/>
    public override byte[] ToImage(Instant now) => EndpointImage.Write(this, Connection!.ToImage(now));

    /// <summary>The image without queued bytes below stream positions: they were copied ahead of the move.</summary>
    public byte[] ToImage(Instant now, long sendFrom, long receiveFrom) =>
        EndpointImage.Write(this, Connection!.ToImage(now, sendFrom, receiveFrom));

    /// <summary>What <see cref="Close"/> does with what is left to send, see <see cref="TcpSettings.Linger"/>.</summary>
    public void SetLinger(TimeSpan? linger)
    {
        if (Connection is not null)
        {
            Connection.Linger = linger;
        }
    }

    /// <summary>How long what was written may wait without progress, see <see cref="TcpSettings.UserTimeout"/>; zero: no bound.</summary>
    public void SetUserTimeout(TimeSpan timeout)
    {
        if (Connection is not null)
        {
            Connection.UserTimeout = timeout;
        }
    }

    /// <summary>Holds back what does not fill a segment, or sends what was held back, see <see cref="TcpConnection.Corked"/>.</summary>
    public void SetCorked(Instant now, bool corked)
    {
        if (Phase == EndpointPhase.Active && Connection is not null)
        {
            Connection.Corked = corked;
            _driver.AfterCall(this, now);
        }
    }

    /// <summary>Most bytes that are written and not sent, see <see cref="TcpSettings.NotSentLimit"/>; zero: no bound of its own.</summary>
    public void SetNotSentLimit(int bytes)
    {
        if (Connection is not null)
        {
            Connection.NotSentLimit = bytes;
        }
    }

    /// <summary>Goes on with another congestion control, from the window that there is.</summary>
    public void SetCongestion(CongestionAlgorithm algorithm)
    {
        if (Connection is not null)
        {
            Connection.Congestion = algorithm;
        }
    }

    /// <summary>Sends small segments at once (no Nagle).</summary>
    public void SetNoDelay(bool noDelay)
    {
        if (Connection is not null)
        {
            Connection.NoDelay = noDelay;
        }
    }
}

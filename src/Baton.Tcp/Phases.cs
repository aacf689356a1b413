using Baton.Wire;

namespace Baton.Tcp;

/// <summary>
/// A state of RFC 9293 §3.3.2, with what is allowed in it and where each event leads. Phases hold nothing: what moves
/// with a connection is its two halves.
/// </summary>
internal abstract class Phase
{
    public static readonly Phase Closed = new ClosedPhase();
    public static readonly Phase SynSent = new SynSentPhase();
    public static readonly Phase SynReceived = new SynReceivedPhase();
    public static readonly Phase SynReceivedClosing = new SynReceivedClosingPhase();
    public static readonly Phase Established = new EstablishedPhase();
    public static readonly Phase FinWait1 = new FinWait1Phase();
    public static readonly Phase FinWait2 = new FinWait2Phase();
    public static readonly Phase CloseWait = new CloseWaitPhase();
    public static readonly Phase Closing = new ClosingPhase();
    public static readonly Phase LastAck = new LastAckPhase();
    public static readonly Phase TimeWait = new TimeWaitPhase();

    /// <summary>The name.</summary>
    public abstract TcpState State { get; }

    /// <summary>Whether both SYNs are acknowledged.</summary>
    public virtual bool IsSynchronized => true;

    /// <summary>Whether the application may write.</summary>
    public virtual bool MayWrite => false;

    /// <summary>Whether text of the peer is still expected.</summary>
    public virtual bool ExpectsText => false;

    /// <summary>Whether an abort tells the peer (RFC 9293 §3.10.5).</summary>
    public virtual bool AbortSendsReset => false;

    /// <summary>Our SYN is acknowledged.</summary>
    public virtual Phase OnSynAcknowledged() => this;

    /// <summary>The application closes its direction (RFC 9293 §3.10.4).</summary>
    public virtual Phase OnCloseWrite() => this;

    /// <summary>The peer's FIN came in order (RFC 9293 §3.10.7.4, eighth check).</summary>
    public virtual Phase OnFinReceived() => this;

    /// <summary>Our FIN is acknowledged (RFC 9293 §3.10.7.4, fifth check).</summary>
    public virtual Phase OnFinAcknowledged() => this;

    /// <summary>A segment arrives (RFC 9293 §3.10.7).</summary>
    public virtual TcpDisposition OnSegment(TcpConnection connection, Instant now, in TcpHeader header, ReadOnlySpan<byte> text, byte ecn) =>
        SegmentArrival.OnSynchronized(connection, now, in header, text);

    private sealed class ClosedPhase : Phase
    {
        public override TcpState State => TcpState.Closed;

        public override bool IsSynchronized => false;

        public override TcpDisposition OnSegment(TcpConnection connection, Instant now, in TcpHeader header, ReadOnlySpan<byte> text, byte ecn) =>
            TcpDisposition.NoConnection;
    }

    private sealed class SynSentPhase : Phase
    {
        public override TcpState State => TcpState.SynSent;

        public override bool IsSynchronized => false;

        public override bool MayWrite => true;

        public override Phase OnSynAcknowledged() => Established;

        public override Phase OnCloseWrite() => Closed;

        public override TcpDisposition OnSegment(TcpConnection connection, Instant now, in TcpHeader header, ReadOnlySpan<byte> text, byte ecn) =>
            SegmentArrival.OnSynSent(connection, now, in header, ecn);
    }

    private class SynReceivedPhase : Phase
    {
        public override TcpState State => TcpState.SynReceived;

        public override bool IsSynchronized => false;

        public override bool MayWrite => true;

        public override bool ExpectsText => true;

        public override bool AbortSendsReset => true;

        public override Phase OnSynAcknowledged() => Established;

        public override Phase OnCloseWrite() => SynReceivedClosing;

        public override TcpDisposition OnSegment(TcpConnection connection, Instant now, in TcpHeader header, ReadOnlySpan<byte> text, byte ecn) =>
            SegmentArrival.OnSynReceived(connection, now, in header, text);
    }

    /// <summary>SYN-RECEIVED with a close that waits for ESTABLISHED (RFC 9293 §3.10.4).</summary>
    private sealed class SynReceivedClosingPhase : SynReceivedPhase
    {
        public override bool MayWrite => false;

        public override Phase OnSynAcknowledged() => FinWait1;

        public override Phase OnCloseWrite() => this;
    }

    private sealed class EstablishedPhase : Phase
    {
        public override TcpState State => TcpState.Established;

        public override bool MayWrite => true;

        public override bool ExpectsText => true;

        public override bool AbortSendsReset => true;

        public override Phase OnCloseWrite() => FinWait1;

        public override Phase OnFinReceived() => CloseWait;
    }

    private sealed class FinWait1Phase : Phase
    {
        public override TcpState State => TcpState.FinWait1;

        public override bool ExpectsText => true;

        public override bool AbortSendsReset => true;

        public override Phase OnFinReceived() => Closing;

        public override Phase OnFinAcknowledged() => FinWait2;
    }

    private sealed class FinWait2Phase : Phase
    {
        public override TcpState State => TcpState.FinWait2;

        public override bool ExpectsText => true;

        public override bool AbortSendsReset => true;

        public override Phase OnFinReceived() => TimeWait;
    }

    private sealed class CloseWaitPhase : Phase
    {
        public override TcpState State => TcpState.CloseWait;

        public override bool MayWrite => true;

        public override bool AbortSendsReset => true;

        public override Phase OnCloseWrite() => LastAck;
    }

    private sealed class ClosingPhase : Phase
    {
        public override TcpState State => TcpState.Closing;

        public override Phase OnFinAcknowledged() => TimeWait;
    }

    private sealed class LastAckPhase : Phase
    {
        public override TcpState State => TcpState.LastAck;

        public override Phase OnFinAcknowledged() => Closed;
    }

    private sealed class TimeWaitPhase : Phase
    {
        public override TcpState State => TcpState.TimeWait;

        public override TcpDisposition OnSegment(TcpConnection connection, Instant now, in TcpHeader header, ReadOnlySpan<byte> text, byte ecn) =>
            SegmentArrival.OnTimeWait(connection, now, in header, text);
    }
}

using Baton.Stack;
using Baton.Tcp;

namespace Baton.Engine;

/// <summary>
/// What TCP connections do otherwise than by default: those of a service from their SYN on (<see cref="ServiceOptions"/>),
/// those that a listener's application gets (<see cref="ListenerOptions"/>), one that is made (<see cref="ConnectOptions"/>) or
/// one that is there (<see cref="Connection.SetOptionsAsync"/>). Null leaves what is.
/// </summary>
public sealed record ConnectionOptions
{
    /// <summary>Whether small writes go at once, although earlier ones are not acknowledged (no Nagle, TCP_NODELAY).</summary>
    public bool? NoDelay { get; init; }

    /// <summary>Whether only full segments go, for 200 ms at most, so that what is written in parts leaves as one (TCP_CORK).</summary>
    public bool? Cork { get; init; }

    /// <summary>The congestion control (TCP_CONGESTION).</summary>
    public CongestionAlgorithm? Congestion { get; init; }

    /// <summary>Silence after which keep-alive probes start (TCP_KEEPIDLE); zero: none.</summary>
    public TimeSpan? KeepAliveTime { get; init; }

    /// <summary>The time between keep-alive probes (TCP_KEEPINTVL).</summary>
    public TimeSpan? KeepAliveInterval { get; init; }

    /// <summary>Unanswered keep-alive probes after which the connection is closed (TCP_KEEPCNT).</summary>
    public int? KeepAliveProbes { get; init; }

    /// <summary>How long what was written may wait without progress before the connection is given up (TCP_USER_TIMEOUT); zero: no bound of its own.</summary>
    public TimeSpan? UserTimeout { get; init; }

    /// <summary>
    /// What a close does with what is left to send (SO_LINGER): it goes on for so long and is then an abort, zero aborts at once,
    /// <see cref="Timeout.InfiniteTimeSpan"/> lets it go on for as long as the peer takes something.
    /// </summary>
    public TimeSpan? Linger { get; init; }

    /// <summary>Most bytes that are written and not sent (TCP_NOTSENT_LOWAT); zero: as many as the send queue holds.</summary>
    public int? NotSentLimit { get; init; }

    /// <summary>Most bytes of the send queue (SO_SNDBUF), 2 KiB to 64 MiB.</summary>
    public int? SendBuffer { get; init; }

    /// <summary>
    /// Most bytes of the receive queue (SO_RCVBUF), a power of two from 2 KiB to 64 MiB. Once the SYNs were exchanged it can
    /// become less, never more than they allowed for.
    /// </summary>
    public int? ReceiveBuffer { get; init; }

    /// <summary>The DSCP of what is sent, 0 to 63 (RFC 2474; the upper six bits of IP_TOS).</summary>
    public byte? Dscp { get; init; }

    /// <summary>The TTL or hop limit of what is sent, 1 to 255 (IP_TTL).</summary>
    public byte? HopLimit { get; init; }

    /// <summary>What is wrong with the values, each error by the option's name; empty when nothing is.</summary>
    public IReadOnlyList<string> Errors()
    {
        var errors = new List<string>();
        Check(nameof(KeepAliveTime), KeepAliveTime is null || KeepAliveTime >= TimeSpan.Zero, "must not be negative");
        Check(nameof(KeepAliveInterval), KeepAliveInterval is null || KeepAliveInterval > TimeSpan.Zero, "must be above zero");
        Check(nameof(KeepAliveProbes), KeepAliveProbes is null or > 0, "must be above zero");
        Check(nameof(UserTimeout), UserTimeout is null || UserTimeout >= TimeSpan.Zero, "must not be negative");
        Check(nameof(Linger), Linger is null || Linger >= TimeSpan.Zero || Linger == Timeout.InfiniteTimeSpan, "must not be negative, or be infinite");
        Check(nameof(NotSentLimit), NotSentLimit is null or >= 0, "must not be negative");
        Check(nameof(SendBuffer), SendBuffer is null or (>= TcpSettings.MinBufferLimit and <= TcpSettings.MaxBufferLimit), "must be 2 KiB to 64 MiB");
        Check(
            nameof(ReceiveBuffer),
            ReceiveBuffer is not { } receive || (receive is >= TcpSettings.MinBufferLimit and <= TcpSettings.MaxBufferLimit && int.IsPow2(receive)),
            "must be a power of two from 2 KiB to 64 MiB");
        Check(nameof(Dscp), Dscp is null or <= 63, "must be 0 to 63");
        Check(nameof(HopLimit), HopLimit is null or > 0, "must be 1 to 255");
        return errors;

        void Check(string name, bool holds, string rule)
        {
            if (!holds)
            {
                errors.Add($"{name} {rule}");
            }
        }
    }

    /// <summary>Refuses wrong values.</summary>
    /// <exception cref="ArgumentException">Every error is named.</exception>
    internal void Validate()
    {
        if (Errors() is { Count: > 0 } errors)
        {
            throw new ArgumentException($"Options of connections: {string.Join("; ", errors)}.");
        }
    }

    /// <summary>The settings of connections that begin with these options.</summary>
    internal TcpSettings Over(TcpSettings settings)
    {
        int receive = ReceiveBuffer ?? settings.ReceiveBufferLimit;
        return settings with
        {
            NoDelay = NoDelay ?? settings.NoDelay,
            Congestion = Congestion ?? settings.Congestion,
            KeepAliveTime = KeepAliveTime ?? settings.KeepAliveTime,
            KeepAliveInterval = KeepAliveInterval ?? settings.KeepAliveInterval,
            KeepAliveProbes = KeepAliveProbes ?? settings.KeepAliveProbes,
            UserTimeout = UserTimeout ?? settings.UserTimeout,
            Linger = LingerOr(settings.Linger),
            NotSentLimit = NotSentLimit ?? settings.NotSentLimit,
            SendBufferLimit = SendBuffer ?? settings.SendBufferLimit,
            ReceiveBufferLimit = receive,
            ReceiveBufferStart = Math.Min(receive, settings.ReceiveBufferStart),
        };
    }

    /// <summary>Gives them to a connection that is there.</summary>
    internal void Apply(TcpEndpoint endpoint, Wire.Instant now)
    {
        if (endpoint.Connection is not { } connection)
        {
            return;
        }

        connection.NoDelay = NoDelay ?? connection.NoDelay;
        connection.Congestion = Congestion ?? connection.Congestion;
        connection.UserTimeout = UserTimeout ?? connection.UserTimeout;
        connection.Linger = LingerOr(connection.Linger);
        connection.NotSentLimit = NotSentLimit ?? connection.NotSentLimit;
        endpoint.TrafficClass = Dscp is { } dscp ? (byte)(dscp << 2) : endpoint.TrafficClass;
        endpoint.HopLimit = HopLimit ?? endpoint.HopLimit;
        if ((KeepAliveTime, KeepAliveInterval, KeepAliveProbes, SendBuffer, ReceiveBuffer) != default)
        {
            connection.Reconfigure(now, Over(connection.Settings));
        }

        // Last: it sends what the others let go.
        endpoint.SetCorked(now, Cork ?? connection.Corked);
    }

    /// <summary>What a connection does.</summary>
    internal static ConnectionOptions Of(TcpEndpoint endpoint)
    {
        var connection = endpoint.Connection!;
        var settings = connection.Settings;
        return new()
        {
            NoDelay = connection.NoDelay,
            Cork = connection.Corked,
            Congestion = connection.Congestion,
            KeepAliveTime = settings.KeepAliveTime,
            KeepAliveInterval = settings.KeepAliveInterval,
            KeepAliveProbes = settings.KeepAliveProbes,
            UserTimeout = connection.UserTimeout,
            Linger = connection.Linger ?? Timeout.InfiniteTimeSpan,
            NotSentLimit = connection.NotSentLimit,
            SendBuffer = settings.SendBufferLimit,
            ReceiveBuffer = settings.ReceiveBufferLimit,
            Dscp = (byte)(endpoint.TrafficClass >> 2),
            HopLimit = endpoint.HopLimit,
        };
    }

    private TimeSpan? LingerOr(TimeSpan? present) =>
        Linger is null ? present : Linger == Timeout.InfiniteTimeSpan ? null : Linger;
}

/// <summary>How a connection is made.</summary>
public sealed record ConnectOptions
{
    /// <summary>What the connection does otherwise than by default.</summary>
    public ConnectionOptions? Connection { get; init; }

    /// <summary>
    /// Sent first, by TCP Fast Open (RFC 7413) with the SYN as far as it fits if the server has given a cookie before: it may reach
    /// the server twice (§6.1). Null does without; empty asks for a cookie for the next time. At most the send queue.
    /// </summary>
    public ReadOnlyMemory<byte>? FastOpen { get; init; }
}

using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>The names that code may use, in the units of Linux's <c>struct tcp_info</c>.</summary>
internal static class TcpInfo
{
    /// <summary>Linux's "infinite" threshold.</summary>
    private const int InfiniteThreshold = 0x7FFF_FFFF;

    private const int NoThreshold = 1 << 30;

    /// <summary>Bytes of IP and TCP header by which an MTU is above an MSS.</summary>
    private const int HeadersV4 = 40;

    /// <summary>Segments that overtake each other before one counts as lost (RFC 5681 §3.2).</summary>
    private const int InitialReordering = 3;

    /// <summary>Connection states, states of loss recovery, bits of tcpi_options.</summary>
    private static readonly Dictionary<string, long> Constants = new()
    {
        ["TCP_ESTABLISHED"] = 1,
        ["TCP_SYN_SENT"] = 2,
        ["TCP_SYN_RECV"] = 3,
        ["TCP_FIN_WAIT1"] = 4,
        ["TCP_FIN_WAIT2"] = 5,
        ["TCP_TIME_WAIT"] = 6,
        ["TCP_CLOSE"] = 7,
        ["TCP_CLOSE_WAIT"] = 8,
        ["TCP_LAST_ACK"] = 9,
        ["TCP_LISTEN"] = 10,
        ["TCP_CLOSING"] = 11,
        ["TCP_CA_Open"] = 0,
        ["TCP_CA_Disorder"] = 1,
        ["TCP_CA_CWR"] = 2,
        ["TCP_CA_Recovery"] = 3,
        ["TCP_CA_Loss"] = 4,
        ["TCPI_OPT_TIMESTAMPS"] = 1,
        ["TCPI_OPT_SACK"] = 2,
        ["TCPI_OPT_WSCALE"] = 4,
        ["TCPI_OPT_ECN"] = 8,
        ["TCPI_OPT_SYN_DATA"] = 32,
    };

    private static readonly Dictionary<string, Func<Subject, double?>> Fields = new()
    {
        ["tcpi_state"] = s => Constants[StateName(s.Connection.State)],
        ["tcpi_ca_state"] = s => CongestionState(s.Snapshot),
        ["tcpi_options"] = s => Options(s.Snapshot),
        ["tcpi_snd_wscale"] = s => s.Snapshot.SndWindowScale,
        ["tcpi_rcv_wscale"] = s => s.Snapshot.RcvWindowScale,
        ["tcpi_snd_cwnd"] = s => s.Statistics.CongestionWindow / s.Statistics.Mss,
        ["tcpi_snd_ssthresh"] = s => s.Statistics.SlowStartThreshold >= NoThreshold ? InfiniteThreshold : s.Statistics.SlowStartThreshold / s.Statistics.Mss,
        ["tcpi_snd_mss"] = s => s.Statistics.Mss,
        ["tcpi_advmss"] = s => s.Connection.Settings.Mss,
        ["tcpi_pmtu"] = s => s.Snapshot.PathMss + HeadersV4 + (s.Connection.Tuple.LocalAddress.IsV4 ? 0 : ScriptSettings.HeaderDifference),
        ["tcpi_snd_wnd"] = s => s.Statistics.SendWindow,
        ["tcpi_rto"] = s => s.Statistics.Rto.TotalMicroseconds,
        ["tcpi_rtt"] = s => s.Statistics.SmoothedRtt.TotalMicroseconds,
        ["tcpi_rttvar"] = s => s.Snapshot.RttVariance.TotalMicroseconds,
        ["tcpi_min_rtt"] = s => s.Statistics.MinRtt.TotalMicroseconds,
        ["tcpi_backoff"] = s => s.Snapshot.RtoBackoff,
        ["tcpi_retransmits"] = s => s.Snapshot.RtoExpirations,
        ["tcpi_probes"] = s => s.Snapshot.PersistProbes + s.Snapshot.KeepAliveUnanswered,
        ["tcpi_reordering"] = s => s.Snapshot.RackReordering ? null : InitialReordering,
        ["tcpi_unacked"] = s => s.Segments.InFlight,
        ["tcpi_sacked"] = s => s.Segments.Sacked,
        ["tcpi_lost"] = s => s.Segments.Lost,
        ["tcpi_retrans"] = s => s.Segments.Resent,

        // Linux counts the SYN that was acknowledged.
        ["tcpi_delivered"] = s => s.Segments.Delivered + (s.Snapshot.SndUna > 0 ? 1 : 0),
        ["tcpi_total_retrans"] = s => s.Connection.Counters.SegmentsRetransmitted,
        ["tcpi_total_rto"] = s => s.Connection.Counters.RetransmissionTimeouts,
        ["tcpi_bytes_retrans"] = s => s.Connection.Counters.BytesRetransmitted,
        ["tcpi_bytes_received"] = s => s.Connection.Counters.BytesReceived,
        ["tcpi_bytes_sent"] = s => s.Connection.Counters.BytesSent,
        ["tcpi_notsent_bytes"] = s => s.Statistics.SendQueueBytes - s.Statistics.BytesInFlight,
        ["tcpi_rcv_ooopack"] = s => s.Connection.Counters.SegmentsOutOfOrder,
        ["tcpi_segs_out"] = s => s.Log.SegmentsOut,
        ["tcpi_segs_in"] = s => s.Log.SegmentsIn,
        ["tcpi_data_segs_out"] = s => s.Log.DataSegmentsOut,
        ["tcpi_data_segs_in"] = s => s.Log.DataSegmentsIn,
        ["tcpi_last_data_sent"] = s => Age(s, s.Log.LastDataSent),
        ["tcpi_last_data_recv"] = s => Age(s, s.Log.LastDataReceived),
        ["tcpi_last_ack_recv"] = s => Age(s, s.Log.LastAckReceived),
    };

    /// <summary>Whether there is a field or constant of this name.</summary>
    public static bool Knows(string name) => Constants.ContainsKey(name) || Fields.ContainsKey(name);

    /// <summary>The value of a field or constant at this moment; null where the stack has no such figure now.</summary>
    public static double? Get(string name, TcpConnection connection, TransmissionLog log, Instant now) =>
        Constants.TryGetValue(name, out long value) ? value : Fields[name](new(connection, log, now));

    private static long CongestionState(TcpSnapshot s) => s.RecoveryPhase switch
    {
        RecoveryPhase.Fast => Constants["TCP_CA_Recovery"],
        RecoveryPhase.Timeout => Constants["TCP_CA_Loss"],
        _ when s.EcnPoint > s.SndUna => Constants["TCP_CA_CWR"],
        _ when s.Sacked.Length > 0 || s.DuplicateAcks > 0 => Constants["TCP_CA_Disorder"],
        _ => Constants["TCP_CA_Open"],
    };

    private static long Options(TcpSnapshot s) =>
        (s.TimestampsOn ? Constants["TCPI_OPT_TIMESTAMPS"] : 0)
        | (s.SackOn ? Constants["TCPI_OPT_SACK"] : 0)
        | (s.ScalingOn ? Constants["TCPI_OPT_WSCALE"] : 0)
        | (s.EcnOn ? Constants["TCPI_OPT_ECN"] : 0);

    private static double Age(Subject s, Instant since) => Math.Floor((s.Now - since).TotalMilliseconds);

    private static string StateName(TcpState state) => state switch
    {
        TcpState.SynSent => "TCP_SYN_SENT",
        TcpState.SynReceived => "TCP_SYN_RECV",
        TcpState.Established => "TCP_ESTABLISHED",
        TcpState.FinWait1 => "TCP_FIN_WAIT1",
        TcpState.FinWait2 => "TCP_FIN_WAIT2",
        TcpState.CloseWait => "TCP_CLOSE_WAIT",
        TcpState.Closing => "TCP_CLOSING",
        TcpState.LastAck => "TCP_LAST_ACK",
        TcpState.TimeWait => "TCP_TIME_WAIT",
        _ => "TCP_CLOSE",
    };

    /// <summary>What a field is read from.</summary>
    private sealed class Subject(TcpConnection connection, TransmissionLog log, Instant now)
    {
        private TcpSnapshot? _snapshot;

        public TcpConnection Connection { get; } = connection;

        public TransmissionLog Log { get; } = log;

        public Instant Now { get; } = now;

        public TcpStatistics Statistics => Connection.Statistics;

        public TcpSnapshot Snapshot => _snapshot ??= Connection.ToSnapshot(Now);

        public SegmentCounts Segments => Log.Count(Snapshot);
    }
}

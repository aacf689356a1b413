using System.Globalization;
using Baton.Tcp;

namespace Baton.Scenarios.Run;

/// <summary>The names that assertions may use, in the units of Linux's <c>struct tcp_info</c>.</summary>
internal static class TcpInfo
{
    /// <summary>Constants: connection states and states of loss recovery.</summary>
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
    };

    /// <summary>The value of a number, constant or field; false when there is none of that name.</summary>
    public static bool TryGet(string name, TcpConnection connection, out long value)
    {
        if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out value) || Constants.TryGetValue(name, out value))
        {
            return true;
        }

        var s = connection.Statistics;
        long? field = name switch
        {
            "tcpi_state" => Constants[StateName(connection.State)],
            "tcpi_ca_state" => s.Recovery switch { RecoveryPhase.Fast => 3, RecoveryPhase.Timeout => 4, _ => 0 },
            "tcpi_snd_cwnd" => s.CongestionWindow / s.Mss,
            "tcpi_snd_ssthresh" => s.SlowStartThreshold / s.Mss,
            "tcpi_min_rtt" => (long)s.MinRtt.TotalMicroseconds,
            "tcpi_unacked" => (s.BytesInFlight + s.Mss - 1) / s.Mss,
            "tcpi_rto" => (long)s.Rto.TotalMicroseconds,
            "tcpi_rtt" => (long)s.SmoothedRtt.TotalMicroseconds,
            "tcpi_snd_mss" => s.Mss,
            "tcpi_snd_wnd" => s.SendWindow,
            "tcpi_total_retrans" => connection.Counters.SegmentsRetransmitted,
            "tcpi_bytes_retrans" => connection.Counters.BytesRetransmitted,
            "tcpi_bytes_received" => connection.Counters.BytesReceived,
            "tcpi_bytes_sent" => connection.Counters.BytesSent,
            "tcpi_rcv_ooopack" => connection.Counters.SegmentsOutOfOrder,
            _ => null,
        };
        value = field.GetValueOrDefault();
        return field is not null;
    }

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
}

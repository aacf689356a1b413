using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Baton.Tcp;

namespace Baton.Scenarios.Run;

/// <summary>
/// Set-up commands that set what our stack has too: <c>sysctl -q net.ipv4.tcp_sack=0</c>, <c>ip route change … mtu lock
/// 1400</c>; and those that ask for what it does anyway.
/// </summary>
internal static partial class SystemControls
{
    /// <summary>What the stack does and cannot be told not to do, by Linux's names.</summary>
    private static readonly HashSet<string> AsHere =
    [
        "tcp_dsack=1", "tcp_frto=1", "tcp_frto=2", "tcp_fack=0", "tcp_reordering=3", "tcp_recovery=1", "tcp_early_retrans=3",
        "tcp_early_retrans=4", "tcp_syncookies=1", "tcp_no_metrics_save=1", "tcp_low_latency=0", "tcp_notsent_lowat=4294967295",
        "tcp_thin_linear_timeouts=0", "tcp_moderate_rcvbuf=1", "tcp_limit_output_bytes=1048576", "tcp_rfc1337=1",
    ];

    /// <summary>
    /// What only steers features that a script has to ask for by other constructs, which are known or not by themselves; or
    /// how packets are put together and paced below, which has no meaning here.
    /// </summary>
    private static readonly HashSet<string> Indifferent =
    [
        "tcp_fastopen", "tcp_fastopen_key", "tcp_ecn_option", "tcp_tso_win_divisor", "tcp_pacing_ss_ratio", "tcp_pacing_ca_ratio", "tcp_min_tso_segs",
    ];

    /// <summary>Applies a command.</summary>
    public static SetUpEffect Apply(string command, ref ScriptSettings settings) => command.Split(' ')[0] switch
    {
        "sysctl" or "echo" => ApplyAssignments(command, ref settings),
        var program when program.EndsWith("set_sysctls.py", StringComparison.Ordinal) => ApplyAssignments(command, ref settings),
        "ip" => ApplyRoute(command, ref settings),
        "tc" => QueuePattern().IsMatch(command) ? SetUpEffect.Applied : SetUpEffect.Unknown,
        _ when command is "nstat" or "true" || command.Contains("sysctl_restore_", StringComparison.Ordinal) => SetUpEffect.Meaningless,
        _ => SetUpEffect.Unknown,
    };

    private static SetUpEffect ApplyAssignments(string command, ref ScriptSettings settings)
    {
        var result = settings;
        int known = 0;
        bool indifferent = false;
        foreach (Match match in AssignmentPattern().Matches(command))
        {
            string name = match.Groups["name"].Value;
            string value = match.Groups["value"].Value.Trim('"', '\'', ' ');
            if (Indifferent.Contains(name))
            {
                indifferent = true;
            }
            else if (!AsHere.Contains($"{name}={value}"))
            {
                if (With(result.Tcp, name, value) is not { } next)
                {
                    return SetUpEffect.Unknown;
                }

                result = result with { Tcp = next };
            }

            known++;
        }

        settings = result;
        return known == 0 ? SetUpEffect.Unknown : indifferent ? SetUpEffect.Meaningless : SetUpEffect.Applied;
    }

    private static TcpSettings? With(TcpSettings settings, string name, string value) => (name, value) switch
    {
        ("tcp_sack", "0" or "1") => settings with { SelectiveAcks = value == "1" },
        ("tcp_timestamps", "0" or "1") => settings with { Timestamps = value == "1" },
        ("tcp_window_scaling", "0" or "1") => settings with { WindowScaling = value == "1" },
        ("tcp_ecn", "0") => settings with { Ecn = EcnMode.Off },
        ("tcp_ecn", "1") => settings with { Ecn = EcnMode.Request },
        ("tcp_ecn", "3") => settings with { Ecn = EcnMode.Request, AccurateEcn = true },
        ("tcp_ecn", "5") => settings with { Ecn = EcnMode.Answer, AccurateEcn = true },
        ("tcp_ecn", "2") => settings with { Ecn = EcnMode.Answer },
        ("tcp_congestion_control", "cubic") => settings with { Congestion = CongestionAlgorithm.Cubic },
        ("tcp_congestion_control", "bbr") => settings with { Congestion = CongestionAlgorithm.Bbr },
        ("tcp_congestion_control", "reno") => settings with { Congestion = CongestionAlgorithm.NewReno },
        ("tcp_mtu_probing", "0") => settings with { BlackHoleTimeouts = 0 },
        ("tcp_mtu_probing", "1") => settings with { BlackHoleTimeouts = TcpSettings.Default.BlackHoleTimeouts },
        ("tcp_slow_start_after_idle", "0" or "1") => settings with { SlowStartAfterIdle = value == "1" },
        ("tcp_rmem", _) when Last(value) is { } limit => settings with { ReceiveBufferLimit = (int)BitOperations.RoundUpToPowerOf2((uint)limit) },
        ("tcp_wmem", _) when Last(value) is { } limit => settings with { SendBufferLimit = limit },
        ("tcp_retries2", _) when Number(value) is { } times => settings with { MaxRetransmissions = times },
        ("tcp_syn_retries" or "tcp_synack_retries", _) when Number(value) is { } times => settings with { MaxSynRetransmissions = times },
        ("tcp_keepalive_intvl", _) when Number(value) is { } seconds => settings with { KeepAliveInterval = TimeSpan.FromSeconds(seconds) },
        ("tcp_keepalive_probes", _) when Number(value) is { } probes => settings with { KeepAliveProbes = probes },
        ("tcp_fin_timeout", _) when Number(value) is { } seconds => settings with { FinWait2Length = TimeSpan.FromSeconds(seconds) },
        _ => null,
    };

    /// <summary>A route's MTU and MSS, with the words of a route around them that mean nothing with one neighbour.</summary>
    private static SetUpEffect ApplyRoute(string command, ref ScriptSettings settings)
    {
        if (command.StartsWith("ip tcp_metrics flush", StringComparison.Ordinal))
        {
            return SetUpEffect.Applied;
        }

        var match = RoutePattern().Match(command);
        if (!match.Success)
        {
            return SetUpEffect.Unknown;
        }

        // Each family has its own route: the other one's is not ours.
        bool v6 = match.Groups["v6"].Success;
        if (v6 == settings.LocalAddress.IsV4)
        {
            return SetUpEffect.Meaningless;
        }

        int mtu = match.Groups["mtu"].Success ? int.Parse(match.Groups["mtu"].Value, CultureInfo.InvariantCulture) : settings.Mtu;
        settings = settings with { Mtu = mtu };
        if (match.Groups["mss"].Success)
        {
            int mss = int.Parse(match.Groups["mss"].Value, CultureInfo.InvariantCulture);
            settings = settings with { Tcp = settings.Tcp with { Mss = (ushort)(v6 ? mss + ScriptSettings.HeaderDifference : mss) } };
        }

        return SetUpEffect.Applied;
    }

    private static int? Last(string value) => Number(value.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1]) is { } number
        ? Math.Clamp(number, TcpSettings.MinBufferLimit, TcpSettings.MaxBufferLimit)
        : null;

    private static int? Number(string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    [GeneratedRegex("""(?:net[./]ipv4[./])(?<name>\w+)\s*=\s*(?<value>"[^"]*"|'[^']*'|[\w-]+)""")]
    private static partial Regex AssignmentPattern();

    [GeneratedRegex(@"^ip (?<v6>-6 )?route (?:change|replace|add) [\w:./]+(?: via [\w:.]+)?(?: dev \w+)?(?: advmss (?<mss>\d+))?(?: mtu (?:lock )?(?<mtu>\d+))?(?: advmss (?<mss>\d+))?$", RegexOptions.ExplicitCapture)]
    private static partial Regex RoutePattern();

    /// <summary>A plain queue below, which is what the interpreter has.</summary>
    [GeneratedRegex(@"^tc qdisc (?:add|replace|change) dev \w+ root pfifo(?: limit [1-9]\d*)?$")]
    private static partial Regex QueuePattern();
}

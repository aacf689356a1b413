using System.Numerics;
using Baton.Scenarios.Script;
using Baton.Scenarios.Sockets;
using Baton.Tcp;

namespace Baton.Scenarios.Run;

/// <summary>Socket options that are a connection's <see cref="TcpSettings"/>: they hold from its beginning.</summary>
internal static class ConnectionOptions
{
    /// <summary>With this much room the window scale is 8, as in the scripts that packetdrill comes with.</summary>
    private const int ReceiveBuffer = 16 << 20;

    /// <summary>Linux acknowledges so many segments at once before it delays (TCP_MAX_QUICKACKS).</summary>
    private const int LinuxQuickAcks = 16;

    /// <summary>What Linux's timeout is above the round trip at least (tcp_rto_min).</summary>
    private static readonly TimeSpan LinuxRtoMargin = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan DefaultKeepAliveTime = TimeSpan.FromHours(2);

    /// <summary>Settings before a script says anything.</summary>
    public static TcpSettings Defaults(ScenarioProfile profile)
    {
        var settings = TcpSettings.Default with { ReceiveBufferLimit = ReceiveBuffer, ReceiveBufferStart = ReceiveBuffer };
        return profile == ScenarioProfile.Rfc ? settings : settings with { QuickAcks = LinuxQuickAcks, RtoMargin = LinuxRtoMargin, BlackHoleTimeouts = 0 };
    }

    /// <summary>Adds those of all calls of a script.</summary>
    public static TcpSettings Of(ParsedScript script, TcpSettings settings, ScenarioProfile profile)
    {
        bool keepAlive = false;
        var idle = DefaultKeepAliveTime;
        foreach (var call in script.Events.OfType<SocketCall>().Where(c => c is { Name: "setsockopt", Arguments.Count: >= 4 }))
        {
            string option = call.Arguments[2];
            if (!IsConnectionOption(option))
            {
                continue;
            }

            if (option == "TCP_CONGESTION")
            {
                settings = settings with { Congestion = Algorithm(call) };
                continue;
            }

            int value = (int)CallArguments.Number(call, 3);
            keepAlive |= option == "SO_KEEPALIVE" && value != 0;
            idle = option == "TCP_KEEPIDLE" ? TimeSpan.FromSeconds(value) : idle;
            settings = With(settings, option, option is "SO_SNDBUF" or "SO_RCVBUF" && profile == ScenarioProfile.Linux ? 2 * value : value);
        }

        return keepAlive ? settings with { KeepAliveTime = idle } : settings;
    }

    /// <summary>Whether an option is one of these.</summary>
    public static bool IsConnectionOption(string option) => option is "SO_KEEPALIVE" or "SO_SNDBUF" or "SO_RCVBUF" or "TCP_KEEPIDLE"
        or "TCP_KEEPINTVL" or "TCP_KEEPCNT" or "TCP_MAXSEG" or "TCP_SYNCNT" or "TCP_LINGER2" or "TCP_USER_TIMEOUT" or "TCP_NOTSENT_LOWAT" or "TCP_CONGESTION";

    private static CongestionAlgorithm Algorithm(SocketCall call) => CallArguments.Text(call, 3).Trim('"') switch
    {
        "cubic" => CongestionAlgorithm.Cubic,
        "reno" => CongestionAlgorithm.NewReno,
        "bbr" => CongestionAlgorithm.Bbr,
        var name => throw CallArguments.Unsupported(call, $"TCP_CONGESTION {name}"),
    };

    /// <summary>A size that is asked for does not change by itself (socket(7), SO_RCVBUF).</summary>
    private static TcpSettings WithReceiveBuffer(TcpSettings settings, int bytes) =>
        settings with { ReceiveBufferLimit = bytes, ReceiveBufferStart = bytes };

    private static TcpSettings With(TcpSettings settings, string option, int value) => option switch
    {
        "SO_SNDBUF" => settings with { SendBufferLimit = Math.Max(value, TcpSettings.MinBufferLimit) },
        "SO_RCVBUF" => WithReceiveBuffer(settings, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(value, TcpSettings.MinBufferLimit))),
        "TCP_NOTSENT_LOWAT" => settings with { NotSentLimit = value },
        "TCP_KEEPINTVL" => settings with { KeepAliveInterval = TimeSpan.FromSeconds(value) },
        "TCP_KEEPCNT" => settings with { KeepAliveProbes = value },
        "TCP_MAXSEG" => settings with { Mss = (ushort)value },
        "TCP_SYNCNT" => settings with { MaxSynRetransmissions = value },
        "TCP_USER_TIMEOUT" => settings with { UserTimeout = TimeSpan.FromMilliseconds(value) },
        "TCP_LINGER2" => settings with { FinWait2Length = TimeSpan.FromSeconds(value) },
        _ => settings,
    };
}

using System.Globalization;
using Baton.Scenarios.Script;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>
/// What a script sets for the whole run: its <c>--</c> lines, with packetdrill's defaults, and those socket options that
/// our stack fixes when a connection is made, wherever in the script they are set.
/// </summary>
internal sealed record ScriptSettings
{
    /// <summary>Names of <c>--</c> settings without meaning for a stack in virtual time.</summary>
    private static readonly HashSet<string> Meaningless =
        ["init_scripts", "speed", "non_fatal", "netmask_ip", "verbose", "v", "debug", "tun_mtu", "persistent_tun_dev", "no_cleanup", "code_command", "code_format"];

    /// <summary>By how many bytes the header of IPv6 is longer.</summary>
    public const int HeaderDifference = 20;

    public TimeSpan Tolerance { get; private init; } = ScriptReader.DefaultTolerance;

    public InetAddress LocalAddress { get; private init; } = InetAddress.Parse("192.168.0.1");

    public InetAddress RemoteAddress { get; private init; } = InetAddress.Parse("192.0.2.1");

    public InetAddress Gateway { get; private init; } = InetAddress.Parse("192.168.0.2");

    /// <summary>The local port of passive connections.</summary>
    public ushort BindPort { get; private init; } = 8080;

    /// <summary>The remote port of active connections.</summary>
    public ushort ConnectPort { get; private init; } = 8080;

    public int Mtu { get; init; } = 1500;

    /// <summary>Length of a tick of the stack's timestamp clock; zero: TS values are only mapped, not compared.</summary>
    public TimeSpan TimestampTick { get; private init; }

    /// <summary>A line that expects more than a segment holds means one segment, rather than all that carry those bytes.</summary>
    public bool StrictSegments { get; private init; }

    public ScenarioProfile Profile { get; private init; }

    public TcpSettings Tcp { get; init; } = TcpSettings.Default;

    /// <summary>The settings of a script's <c>--</c> lines.</summary>
    public static ScriptSettings Of(ParsedScript script, ScenarioProfile profile)
    {
        var settings = new ScriptSettings { Profile = profile, Tcp = ConnectionOptions.Defaults(profile) };

        // The version comes first: it says which addresses are the default.
        foreach (var (name, value) in script.Settings.OrderBy(pair => pair.Key != "ip_version"))
        {
            settings = settings.With(name, value);
        }

        // packetdrill's gateway is a neighbour of its own.
        return settings.Gateway == settings.LocalAddress ? settings with { Gateway = settings.RemoteGateway } : settings;
    }

    /// <summary>A neighbour when the default one's address is the host's.</summary>
    private InetAddress RemoteGateway => InetAddress.Parse(LocalAddress.IsV4 ? "192.168.0.3" : "fd3d:fa7b:d17d::3");

    private ScriptSettings With(string name, string value) => name switch
    {
        "tolerance_usecs" => this with { Tolerance = Microseconds(name, value) },
        "tcp_ts_tick_usecs" => this with { TimestampTick = Microseconds(name, value) },
        "local_ip" => this with { LocalAddress = Address(name, value) },
        "remote_ip" => this with { RemoteAddress = Address(name, value) },
        "gateway_ip" => this with { Gateway = Address(name, value) },
        "bind_port" => this with { BindPort = (ushort)Number(name, value) },
        "connect_port" => this with { ConnectPort = (ushort)Number(name, value) },
        "mtu" when Number(name, value) is >= 576 and <= ushort.MaxValue and var mtu => this with { Mtu = mtu },
        "strict_segments" => this with { StrictSegments = value != "0" },
        "mss" => this with { Tcp = Tcp with { Mss = (ushort)Number(name, value) } },
        "ip_version" when value == "ipv4" => this,
        "ip_version" when value == "ipv6" => this with
        {
            LocalAddress = InetAddress.Parse("fd3d:fa7b:d17d::1"),
            RemoteAddress = InetAddress.Parse("2001:db8::1"),
            Gateway = InetAddress.Parse("fd3d:fa7b:d17d:8888::1"),
        },
        _ when Meaningless.Contains(name) => this,
        _ => throw new UnsupportedConstructException(1, $"setting --{name}={value}"),
    };

    private static TimeSpan Microseconds(string name, string value) => TimeSpan.FromMicroseconds((long)Number(name, value));

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new UnsupportedConstructException(1, $"setting --{name}={value}");

    private static InetAddress Address(string name, string value) =>
        InetAddress.TryParse(value.Split('/')[0], out var address)
            ? address
            : throw new UnsupportedConstructException(1, $"setting --{name}={value}");
}

using System.Text.RegularExpressions;
using Baton.Tcp;

namespace Baton.Scenarios.Run;

/// <summary>Set-up commands that set what our stack has too: <c>sysctl -q net.ipv4.tcp_sack=0</c>.</summary>
internal static partial class SystemControls
{
    /// <summary>Applies the assignments of a set-up command; false when it has none that we know, or others beside them.</summary>
    public static bool TryApply(string command, ref TcpSettings settings)
    {
        if (!command.StartsWith("sysctl ", StringComparison.Ordinal))
        {
            return false;
        }

        var result = settings;
        int words = 0;
        foreach (Match match in AssignmentPattern().Matches(command))
        {
            words++;
            if (With(result, match.Groups[1].Value, match.Groups[2].Value) is not { } next)
            {
                return false;
            }

            result = next;
        }

        settings = result;
        return words > 0;
    }

    private static TcpSettings? With(TcpSettings settings, string name, string value) => (name, value) switch
    {
        ("tcp_sack", "0" or "1") => settings with { SelectiveAcks = value == "1" },
        ("tcp_timestamps", "0" or "1") => settings with { Timestamps = value == "1" },
        ("tcp_window_scaling", "0" or "1") => settings with { WindowScaling = value == "1" },
        ("tcp_ecn", "0") => settings with { Ecn = EcnMode.Off },
        ("tcp_ecn", "1") => settings with { Ecn = EcnMode.Request },
        ("tcp_ecn", "2") => settings with { Ecn = EcnMode.Answer },
        ("tcp_congestion_control", "cubic") => settings with { Congestion = CongestionAlgorithm.Cubic },
        ("tcp_congestion_control", "reno") => settings with { Congestion = CongestionAlgorithm.NewReno },
        _ => null,
    };

    [GeneratedRegex(@"net\.ipv4\.(\w+)\s*=\s*""?(\w+)""?")]
    private static partial Regex AssignmentPattern();
}

using System.Diagnostics.Metrics;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>What TLS counts, meter <c>Baton.Tls</c>.</summary>
internal static class TlsMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Baton.Tls";

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Counter<long> s_handshakes =
        s_meter.CreateCounter<long>("baton.tls.handshakes", "{handshake}", "Handshakes by outcome.");

    private static readonly Counter<long> s_alerts =
        s_meter.CreateCounter<long>("baton.tls.alerts", "{alert}", "Alerts after the handshake, by direction and description.");

    /// <summary>Connections whose client ended them without a close_notify.</summary>
    public static readonly Counter<long> Truncated =
        s_meter.CreateCounter<long>("baton.tls.truncated", "{connection}", "Connections that ended without close_notify.");

    /// <summary>A handshake has ended.</summary>
    /// <param name="outcome">"tls1.3", "tls1.2", "resumed" after a move, "not_tls", "timeout", "certificate" or "failed".</param>
    public static void Handshake(string outcome) => s_handshakes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>An alert was sent or received.</summary>
    public static void Alert(bool sent, AlertDescription alert) => s_alerts.Add(
        1,
        new KeyValuePair<string, object?>("direction", sent ? "out" : "in"),
        new KeyValuePair<string, object?>("alert", alert.ToString()));
}

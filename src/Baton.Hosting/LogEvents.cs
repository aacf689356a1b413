using Baton.Engine;
using Microsoft.Extensions.Logging;

namespace Baton.Hosting;

/// <summary>What a node logs. The event ids are stable.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(1001, LogLevel.Information, "Node {Node} runs: front {Front}, lan {Lan}, services at {Services}, control socket {Socket}")]
    public static partial void Started(ILogger logger, string node, string front, string lan, string services, string socket);

    [LoggerMessage(1002, LogLevel.Information, "Node {Node} stops")]
    public static partial void Stopping(ILogger logger, string node);

    [LoggerMessage(1003, LogLevel.Warning, "{Warning}")]
    public static partial void ConfigurationWarning(ILogger logger, string warning);

    [LoggerMessage(1004, LogLevel.Information, "Link {Reason}")]
    public static partial void LinkOpened(ILogger logger, string reason);

    [LoggerMessage(1005, LogLevel.Information, "Members authenticate each other; this one by {Subject} of {Issuer}, valid until {NotAfter:u}")]
    public static partial void Authenticates(ILogger logger, string subject, string issuer, DateTime notAfter);

    [LoggerMessage(1101, LogLevel.Error, "Application {Application} failed")]
    public static partial void ApplicationFailed(ILogger logger, string application, Exception failure);

    [LoggerMessage(1201, LogLevel.Information, "{Role} of handoff {Handoff}: {Flow}, {From} to {To}, epoch {Epoch}, frozen {Frozen} µs, {Held} packets held")]
    public static partial void HandedOff(
        ILogger logger, HandoffRole role, string handoff, string flow, int from, int to, uint epoch, double frozen, int held);

    [LoggerMessage(1202, LogLevel.Warning, "{Role} of handoff {Handoff}: {Flow}, {From} to {To}: {Outcome}: {Reason}")]
    public static partial void HandoffFailed(
        ILogger logger, HandoffRole role, string handoff, string flow, int from, int to, MoveOutcome outcome, string reason);

    [LoggerMessage(1301, LogLevel.Warning, "No keys agreed on with {Peer} ({Reason}): {Text}")]
    public static partial void PeerRefused(ILogger logger, string peer, PeerRefusal reason, string text);
}

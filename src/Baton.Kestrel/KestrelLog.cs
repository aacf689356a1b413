using Baton.Engine;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel;

/// <summary>What the transport logs. The event ids are stable.</summary>
internal static partial class KestrelLog
{
    [LoggerMessage(2001, LogLevel.Warning, "Connection {Connection} was to move and stays: {Outcome}: {Reason}")]
    public static partial void StaysHere(ILogger logger, string connection, MoveOutcome outcome, string reason);

    [LoggerMessage(2002, LogLevel.Warning, "Connection {Connection} cannot go on here and is reset: {Reason}")]
    public static partial void CannotGoOn(ILogger logger, string connection, string reason);

    [LoggerMessage(2004, LogLevel.Debug, "Connection {Connection} gets no TLS and is closed: {Reason}")]
    public static partial void NoTls(ILogger logger, string connection, string reason);

    [LoggerMessage(2003, LogLevel.Information, "Drained: {Moved} connections moved, {Left} stay and are closed")]
    public static partial void Drained(ILogger logger, int moved, int left);
}

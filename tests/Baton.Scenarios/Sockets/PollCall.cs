using System.Globalization;
using System.Text.RegularExpressions;
using Baton.Scenarios.Script;
using Baton.Tcp;

namespace Baton.Scenarios.Sockets;

/// <summary>poll on one or more sockets: <c>poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 100) = 1</c>.</summary>
internal sealed partial class PollCall(SocketTable sockets)
{
    private readonly record struct Polled(long Number, HashSet<string> Events, HashSet<string> Expected);

    public PendingCall Poll(SocketCall call)
    {
        var polled = EntryPattern().Matches(CallArguments.Text(call, 0))
            .Select(m => new Polled(long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), Words(m.Groups[2].Value), Words(m.Groups[3].Value)))
            .ToArray();
        if (polled.Length != CallArguments.Number(call, 1))
        {
            throw CallArguments.Unsupported(call, call.Arguments[0]);
        }

        long milliseconds = CallArguments.Number(call, 2);
        var end = milliseconds < 0 ? Wire.Instant.Never : sockets.Host.Now + TimeSpan.FromMilliseconds(milliseconds);
        return () => Check(polled, timedOut: sockets.Host.Now >= end);
    }

    private CallResult? Check(Polled[] polled, bool timedOut)
    {
        string? difference = null;
        int ready = 0;
        foreach (var (number, events, expected) in polled)
        {
            var happened = Happened(sockets.Find(number));
            happened.RemoveWhere(e => e is not ("POLLERR" or "POLLHUP" or "POLLNVAL") && !events.Contains(e));
            ready += happened.Count > 0 ? 1 : 0;
            if (!happened.SetEquals(expected))
            {
                difference = $"revents={string.Join('|', happened)} of fd={number}";
            }
        }

        return ready > 0 || timedOut ? new(ready, Difference: difference) : null;
    }

    private static HashSet<string> Happened(ScriptSocket? socket)
    {
        if (socket is null)
        {
            return ["POLLNVAL"];
        }

        var events = new HashSet<string>();
        if (socket.CanAccept || socket.Udp is { WaitingDatagrams: > 0 })
        {
            events.Add("POLLIN");
        }

        if (socket.Connection is { } connection)
        {
            bool remoteClosed = connection.State is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait or TcpState.Closed;
            Add(events, "POLLIN", connection.ReadableBytes > 0 || remoteClosed);
            Add(events, "POLLOUT", connection.WriteCapacity > 0 && connection.IsSynchronized || connection.State == TcpState.Closed);
            Add(events, "POLLRDHUP", remoteClosed);
            Add(events, "POLLHUP", connection.State == TcpState.Closed || (remoteClosed && socket.WriteShutdown));
            Add(events, "POLLERR", connection.State == TcpState.Closed && connection.CloseReason != TcpCloseReason.Normal);
        }

        return events;
    }

    private static void Add(HashSet<string> events, string name, bool condition)
    {
        if (condition)
        {
            events.Add(name);
        }
    }

    private static HashSet<string> Words(string text) =>
        text.Split('|', StringSplitOptions.TrimEntries).Where(w => w is not ("0" or "")).ToHashSet();

    [GeneratedRegex(@"fd\s*=\s*(\d+)\s*,\s*events\s*=\s*([\w|\s]+?)\s*,\s*revents\s*=\s*([\w|\s]+?)\s*\}")]
    private static partial Regex EntryPattern();
}

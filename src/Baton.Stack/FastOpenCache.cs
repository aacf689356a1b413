using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The client's part of TCP Fast Open (RFC 7413 §4.1.3): the cookie and MSS that each server gave last. A server that did not
/// answer a SYN with the option is left alone for a while: something on the way may drop such SYNs (§4.1.3.1).
/// </summary>
internal sealed class FastOpenCache(int limit)
{
    private static readonly TimeSpan s_silence = TimeSpan.FromHours(1);

    private readonly Dictionary<InetAddress, Entry> _entries = [];
    private readonly Queue<InetAddress> _oldest = new();

    /// <summary>Servers known.</summary>
    public int Count => _entries.Count;

    /// <summary>Lets a connection's SYN use what is known of the server; to one that is not known it asks for a cookie.</summary>
    public void Open(Instant now, TcpConnection connection)
    {
        bool known = _entries.TryGetValue(connection.Tuple.RemoteAddress, out var entry);
        if (!known || entry.SilentUntil <= now)
        {
            connection.OpenFast(entry.Cookie, entry.Mss);
        }
    }

    /// <summary>The handshake is over: what it taught about the server.</summary>
    public void OnEstablished(Instant now, TcpConnection connection)
    {
        var server = connection.Tuple.RemoteAddress;
        if (connection.FastOpenOutcome == FastOpenOutcome.Unanswered)
        {
            Set(server, new(default, 0, now + s_silence));
        }
        else if (connection.GrantedCookie is { } cookie)
        {
            Set(server, new(cookie, connection.PeerMss, default));
        }
    }

    private void Set(InetAddress server, Entry entry)
    {
        if (!_entries.ContainsKey(server))
        {
            if (_entries.Count >= limit)
            {
                _entries.Remove(_oldest.Dequeue());
            }

            _oldest.Enqueue(server);
        }

        _entries[server] = entry;
    }

    private readonly record struct Entry(FastOpenCookie Cookie, int Mss, Instant SilentUntil);
}

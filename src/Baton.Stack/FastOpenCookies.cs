using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// The server's part of TCP Fast Open (RFC 7413 §4.1.2, §4.2.2): cookies are a keyed hash of the client's address and the
/// day, so that every node of the farm knows those of all others without a word, and each holds for one to two days.
/// </summary>
internal sealed class FastOpenCookies(StackOptions options, EndpointTable table)
{
    /// <summary>How long cookies are made by one number; they hold until the end of the next.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromDays(1);

    /// <summary>Connections whose application need not wait for the handshake.</summary>
    public long Accepted { get; private set; }

    /// <summary>Cookies that were given.</summary>
    public long Granted { get; private set; }

    /// <summary>SYNs with a cookie that was none of ours or too old, or for which there was no room: they open as ever.</summary>
    public long Refused { get; private set; }

    /// <summary>Answers a SYN with the option, by a cookie or by taking its text; one without it is left as it is.</summary>
    public void Answer(Instant now, TcpEndpoint endpoint, in TcpHeader syn, ReadOnlySpan<byte> text)
    {
        if (!syn.Options.HasFastOpen)
        {
            return;
        }

        var client = endpoint.Flow.Tuple.RemoteAddress;
        var offered = syn.Options.FastOpen;
        long day = Day(now);
        bool ours = offered == Make(client, day);

        // A clock may be ahead of ours, and yesterday's cookies hold.
        bool known = ours || (offered.Length > 0 && (offered == Make(client, day - 1) || offered == Make(client, day + 1)));

        // §5.1: so many at a time; beyond that the handshake comes first, and the client keeps its cookie.
        bool opens = known && table.OpenedFast < options.Limits.FastOpenEndpoints;
        bool grants = !known || !ours;
        endpoint.Connection!.AcceptFast(now, syn, grants ? Make(client, day) : null, opens, text);
        Granted += grants ? 1 : 0;
        Accepted += opens ? 1 : 0;
        Refused += offered.Length > 0 && !opens ? 1 : 0;
    }

    private long Day(Instant now) => (now.Ticks + options.WallClock.Ticks) / Period.Ticks;

    private FastOpenCookie Make(InetAddress client, long day)
    {
        Span<byte> input = stackalloc byte[24];
        int length = client.CopyTo(input);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(input[length..], day);
        return new(SipHash.Compute(options.Keys.FastOpen, input[..(length + sizeof(long))]));
    }
}

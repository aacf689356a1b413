namespace Baton.Kestrel;

/// <summary>
/// The server's first frame of HTTP/2, SETTINGS (RFC 9113 §3.4), with WebSockets over HTTP/2 not offered (RFC 8441 §3): their
/// connection would stay with its node, and a browser that is not offered them opens one of HTTP/1.1, which moves.
/// </summary>
internal sealed class Http2Settings
{
    private const int Header = 9, Entry = 6, EnableConnectProtocol = 8;

    private int _at;
    private int _length;
    private int _identifier;

    /// <summary>Changes the next bytes of the frame in place.</summary>
    /// <returns>Whether the frame has ended.</returns>
    public bool Filter(Span<byte> written)
    {
        foreach (ref byte one in written)
        {
            int within = (_at - Header) % Entry;
            switch (_at++)
            {
                case < 3:
                    _length = (_length << 8) | one;
                    break;
                case < Header:
                    break;
                case var _ when within < 2:
                    _identifier = (_identifier << 8 & 0xFFFF) | one;
                    break;
                case var _ when _identifier == EnableConnectProtocol:
                    one = 0;
                    break;
            }

            if (_at == Header + _length)
            {
                return true;
            }
        }

        return false;
    }
}

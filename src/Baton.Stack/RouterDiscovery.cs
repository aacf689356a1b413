using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Finds an interface's IPv6 default router by its advertisements (RFC 4861 §6.3), where the options allow it and none is
/// configured. One router is kept: the first heard, until its lifetime ends or it stops being one.
/// </summary>
internal sealed class RouterDiscovery(NetworkInterface networkInterface)
{
    private const int MaxSolicitations = 3;                                             // RFC 4861 §10
    private static readonly TimeSpan SolicitationInterval = TimeSpan.FromSeconds(4);    // RFC 4861 §10

    private int _sent;
    private Instant _solicitAt = Instant.Never;
    private Instant _expires = Instant.Never;

    /// <summary>The router found, or null.</summary>
    public InetAddress? Router { get; private set; }

    public Instant NextDeadline => Instant.Min(_solicitAt, _expires);

    /// <summary>Begins to ask.</summary>
    public void Begin(Instant now)
    {
        if (networkInterface.Options.AcceptRouters)
        {
            _sent = 0;
            _solicitAt = now;
        }
    }

    /// <summary>Takes an advertisement; false when it changes nothing here.</summary>
    public bool OnAdvertisement(Instant now, InetAddress source, in RouterMessage message)
    {
        if (!networkInterface.Options.AcceptRouters || (Router is { } other && other != source))
        {
            return false;
        }

        // RFC 4861 §6.3.4: a lifetime of zero says that it is no default router (any more).
        Router = message.Lifetime == 0 ? null : source;
        _expires = message.Lifetime == 0 ? Instant.Never : now + TimeSpan.FromSeconds(message.Lifetime);
        _solicitAt = Instant.Never;
        return true;
    }

    public void OnDeadline(Instant now)
    {
        if (_expires <= now)
        {
            Router = null;
            _expires = Instant.Never;
            Begin(now);
        }

        if (_solicitAt > now)
        {
            return;
        }

        if (networkInterface.LinkLocal is { } source)
        {
            networkInterface.Ndp.SolicitRouters(source);
            _sent++;
        }

        _solicitAt = _sent < MaxSolicitations ? now + SolicitationInterval : Instant.Never;
    }
}

using Baton.Membership;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Agrees on keys over connections of the own stack on a lan port of their own: authenticated by the
/// <see cref="IPeerAuthenticator"/>, then a <see cref="KeyDialogue"/>. Runs on the thread pool.
/// </summary>
internal sealed class StreamKeyAgreement : IKeyAgreement
{
    /// <summary>The TCP port on the lan.</summary>
    public const ushort Port = 6084;

    private const string Application = "keys";

    // An attempt costs a signature: who may begin one here is bounded, beside being a member's address.
    private const int AcceptedAtOnce = 2;
    private static readonly TimeSpan s_acceptInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Shard _shard;
    private readonly PeerSessions _sessions;
    private readonly IPeerAuthenticator _authenticator;
    private readonly TcpListener _listener;
    private readonly Dictionary<NodeId, Accepted> _accepted = [];

    public StreamKeyAgreement(Shard shard, PeerSessions sessions, IPeerAuthenticator authenticator)
    {
        _shard = shard;
        _sessions = sessions;
        _authenticator = authenticator;
        _listener = shard.Stack.Listen(shard.Farm.Self.LanAddress, Port, backlog: 2 * shard.Farm.Members.Count);
    }

    public void Begin(Member peer)
    {
        var endpoint = new AsyncEndpoint(_shard, inline: false) { Accepted = e => Start(peer, e, initiates: true) };
        _shard.Connect(
            peer.LanAddress, Port, Application, endpoint, new ConnectOptions(), why => _sessions.OnRefused(peer.Id, PeerRefusal.Unreachable, why, initiated: true));
    }

    public void AcceptAll()
    {
        while (_listener.TryAccept(out var endpoint))
        {
            var node = _shard.Farm.Members.AtLanAddress(endpoint.Flow.Tuple.RemoteAddress);
            if (!_shard.Farm.Members.TryFind(node, out var peer) || node == _shard.Farm.Self.Id)
            {
                _shard.Drops.Count(DropReason.NotMember);
                endpoint.Abort(_shard.Now);
            }
            else if (!MayAccept(node))
            {
                _shard.Drops.Count(DropReason.RateLimited);
                endpoint.Abort(_shard.Now);
            }
            else
            {
                var application = new AsyncEndpoint(_shard, inline: false) { Accepted = e => Start(peer, e, initiates: false) };
                OutgoingConnections.Attach(_shard, endpoint, Application, "accepted", application);
            }
        }
    }

    private bool MayAccept(NodeId node)
    {
        _accepted.TryGetValue(node, out var accepted);
        if (accepted.Running >= AcceptedAtOnce || _shard.Now < accepted.Next)
        {
            return false;
        }

        _accepted[node] = new(accepted.Running + 1, _shard.Now + s_acceptInterval);
        return true;
    }

    private void Start(Member peer, AsyncEndpoint endpoint, bool initiates) => _ = Task.Run(() => AgreeAsync(peer, endpoint, initiates));

    private async Task AgreeAsync(Member peer, AsyncEndpoint endpoint, bool initiates)
    {
        using var limit = new CancellationTokenSource(s_patience);
        var connection = new Connection(endpoint);
        PeerRefusedException? refused = null;
        bool authenticated = false;
        try
        {
            var stream = await _authenticator.AuthenticateAsync(connection.AsStream(), peer.Name, initiates, limit.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                authenticated = true;
                var dialogue = new KeyDialogue(_shard.Farm.Self.Id, _shard.Incarnation, peer.Id);
                await dialogue.RunAsync(stream, initiates, session => AdoptAsync(peer, session, initiates), limit.Token).ConfigureAwait(false);
            }
        }
        catch (PeerRefusedException e)
        {
            refused = e;
        }
        catch (OperationCanceledException)
        {
            refused = new(PeerRefusal.TimedOut, $"it took longer than {s_patience.TotalSeconds} s");
        }
#pragma warning disable CA1031 // However it fails, the attempt has ended, and the next one may begin.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            // Who makes a connection by TLS 1.3 is through before the other end has looked at its certificate.
            refused = authenticated && initiates
                ? new(PeerRefusal.RefusedByPeer, $"it has refused this node, and its own log says why ({e.InnerException?.Message ?? e.Message})")
                : new(PeerRefusal.Unreachable, e.Message);
        }

        if (refused is not null)
        {
            connection.Abort();
        }

        await connection.DisposeAsync().ConfigureAwait(false);
        await EndAsync(peer, refused, initiates).ConfigureAwait(false);
    }

    private Task<bool> AdoptAsync(Member peer, PeerSession session, bool initiates) => _shard.Call(_ =>
    {
        _sessions.OnAgreed(peer.Id, session, initiates);
        return true;
    });

    private Task<bool> EndAsync(Member peer, PeerRefusedException? refused, bool initiates) => _shard.Call(_ =>
    {
        if (!initiates)
        {
            _accepted[peer.Id] = _accepted[peer.Id] with { Running = _accepted[peer.Id].Running - 1 };
        }

        if (refused is not null)
        {
            _sessions.OnRefused(peer.Id, refused.Reason, refused.Message, initiates);
        }

        return true;
    });

    private readonly record struct Accepted(int Running, Instant Next);
}

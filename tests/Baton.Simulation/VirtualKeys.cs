using System.Buffers.Binary;
using Baton.Engine;
using Baton.Membership;

namespace Baton.Simulation;

/// <summary>
/// Gives two nodes keys for each other, in no virtual time and without a connection, where both run and their cables are
/// plugged in: what certificates and TLS do in a real farm.
/// </summary>
internal sealed class VirtualKeys(Farm farm)
{
    private readonly Dictionary<ushort, (Shard Shard, PeerSessions Sessions)> _nodes = [];
    private ulong _sessions;

    public IKeyAgreement MakeAgreement(Shard shard, PeerSessions sessions)
    {
        _nodes[shard.Farm.Self.Id.Value] = (shard, sessions);
        return new Agreement(this, shard, sessions);
    }

    private void Agree(Shard self, PeerSessions sessions, Member peer)
    {
        if (!CanMeet(self, peer) || !_nodes.TryGetValue(peer.Id.Value, out var other))
        {
            self.Call(_ => Refuse(sessions, peer));
            return;
        }

        ulong id = ++_sessions;
        byte[] mine = Secret(2 * id);
        byte[] theirs = Secret((2 * id) + 1);
        ulong theirIncarnation = other.Shard.Incarnation;
        other.Shard.Call(_ => Adopt(other.Sessions, self.Farm.Self, new PeerSession(id, self.Incarnation, theirs, mine), initiated: false));
        self.Call(_ => Adopt(sessions, peer, new PeerSession(id, theirIncarnation, mine, theirs), initiated: true));
    }

    private static bool Adopt(PeerSessions sessions, Member peer, PeerSession session, bool initiated)
    {
        sessions.OnAgreed(peer.Id, session, initiated);
        return true;
    }

    private static bool Refuse(PeerSessions sessions, Member peer)
    {
        sessions.OnRefused(peer.Id, PeerRefusal.Unreachable, "it does not run", initiated: true);
        return true;
    }

    private bool CanMeet(Shard self, Member peer) =>
        farm[peer.Name] is { IsUp: true, LanLink.IsPluggedIn: true } && farm[self.Farm.Self.Name].LanLink.IsPluggedIn;

    private byte[] Secret(ulong number)
    {
        byte[] secret = new byte[PeerSession.SecretLength];
        BinaryPrimitives.WriteUInt64BigEndian(secret, number);
        BinaryPrimitives.WriteUInt64BigEndian(secret.AsSpan(8), farm.Settings.Seed);
        return secret;
    }

    private sealed class Agreement(VirtualKeys keys, Shard shard, PeerSessions sessions) : IKeyAgreement
    {
        public void Begin(Member peer) => keys.Agree(shard, sessions, peer);

        public void AcceptAll()
        {
        }
    }
}

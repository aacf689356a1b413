using System.Security.Cryptography;

namespace Baton.Engine;

/// <summary>
/// What this node and one peer have agreed on: a secret for each direction, made by whoever sends under it, at random and
/// for this session only. So no counter under a key ever begins again, whoever of the two is restarted. A session serves
/// one channel, and the datagrams of the load exchange until a newer session is there.
/// </summary>
internal sealed class PeerSession
{
    /// <summary>Bytes of a secret.</summary>
    public const int SecretLength = 32;

    private readonly byte[] _sendSecret;
    private readonly byte[] _receiveSecret;

    public PeerSession(ulong id, ulong peerIncarnation, ReadOnlySpan<byte> sendSecret, ReadOnlySpan<byte> receiveSecret)
    {
        Id = id;
        PeerIncarnation = peerIncarnation;
        _sendSecret = sendSecret.ToArray();
        _receiveSecret = receiveSecret.ToArray();
        Datagrams = new DatagramSeal(id, Expand(_sendSecret, "baton datagrams"u8), Expand(_receiveSecret, "baton datagrams"u8));
    }

    /// <summary>Names the session at both ends; no secret.</summary>
    public ulong Id { get; }

    /// <summary>The peer's start that made its secret.</summary>
    public ulong PeerIncarnation { get; }

    /// <summary>Seals datagrams to the peer and opens the peer's.</summary>
    public DatagramSeal Datagrams { get; }

    /// <summary>Whether a channel has been made of it: another one needs another session.</summary>
    public bool IsUsed { get; set; }

    /// <summary>Seals what goes to the peer. To be called once.</summary>
    public RecordKeys ChannelSender() => new(Expand(_sendSecret, "baton channel"u8));

    /// <summary>Opens what comes from the peer. May be called for each connection that claims to be of this session.</summary>
    public RecordKeys ChannelReceiver() => new(Expand(_receiveSecret, "baton channel"u8));

    /// <summary>RFC 5869 §2.3; the secrets are uniformly random, so there is nothing to extract.</summary>
    private static byte[] Expand(byte[] secret, ReadOnlySpan<byte> label)
    {
        byte[] output = new byte[SecretLength];
        HKDF.Expand(HashAlgorithmName.SHA256, secret, output, label);
        return output;
    }
}

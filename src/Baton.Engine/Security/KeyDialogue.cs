using System.Buffers.Binary;
using System.Security.Cryptography;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Agrees on a session over a stream that only the two members can read. Four messages: the initiator's keys, the
/// responder's keys, the initiator's confirmation, the responder's. The responder has the session when it confirms, so
/// whoever has initiated and has it knows that the peer has it too; a dialogue that breaks is begun again by its initiator.
/// </summary>
/// <param name="self">This node.</param>
/// <param name="incarnation">Its start.</param>
/// <param name="peer">The member that was authenticated.</param>
internal sealed class KeyDialogue(NodeId self, ulong incarnation, NodeId peer)
{
    private const byte Confirmation = 1;

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(PeerSession.SecretLength);

    /// <summary>Runs it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="initiates">Whether this node made the connection.</param>
    /// <param name="adopt">Takes the session into use; has done so when it completes.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="PeerRefusedException">The peer says what makes no sense.</exception>
    /// <exception cref="IOException">The stream has ended.</exception>
    public async Task RunAsync(Stream stream, bool initiates, Func<PeerSession, Task> adopt, CancellationToken cancellation)
    {
        if (initiates)
        {
            ulong number = NewNumber();
            await SendAsync(stream, number, cancellation).ConfigureAwait(false);
            var session = await ReceiveAsync(stream, number, cancellation).ConfigureAwait(false);
            await ConfirmAsync(stream, cancellation).ConfigureAwait(false);
            await ExpectConfirmationAsync(stream, cancellation).ConfigureAwait(false);
            await adopt(session).ConfigureAwait(false);
        }
        else
        {
            var session = await ReceiveAsync(stream, expected: null, cancellation).ConfigureAwait(false);
            await SendAsync(stream, session.Id, cancellation).ConfigureAwait(false);
            await ExpectConfirmationAsync(stream, cancellation).ConfigureAwait(false);
            await adopt(session).ConfigureAwait(false);
            await ConfirmAsync(stream, cancellation).ConfigureAwait(false);
        }
    }

    private static ulong NewNumber() => BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

    private static ValueTask ConfirmAsync(Stream stream, CancellationToken cancellation) => stream.WriteAsync(new[] { Confirmation }, cancellation);

    private static async Task ExpectConfirmationAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] one = new byte[1];
        await stream.ReadExactlyAsync(one, cancellation).ConfigureAwait(false);
        if (one[0] != Confirmation)
        {
            throw new PeerRefusedException(PeerRefusal.Malformed, "it does not confirm the keys");
        }
    }

    private ValueTask SendAsync(Stream stream, ulong number, CancellationToken cancellation)
    {
        byte[] bytes = new byte[KeyMessage.PrefixLength + KeyMessage.Length];
        new KeyMessage(self, incarnation, number, ProtocolVersion.Minor).Write(bytes, _secret);
        return stream.WriteAsync(bytes, cancellation);
    }

    private async Task<PeerSession> ReceiveAsync(Stream stream, ulong? expected, CancellationToken cancellation)
    {
        byte[] prefix = new byte[KeyMessage.PrefixLength];
        await stream.ReadExactlyAsync(prefix, cancellation).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadUInt16BigEndian(prefix);
        if (length > KeyMessage.MaxLength)
        {
            throw new PeerRefusedException(PeerRefusal.Malformed, $"its message has {length} bytes");
        }

        byte[] bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
        if (KeyMessage.TryRead(bytes, out var message, out var secret) is { } refusal)
        {
            throw new PeerRefusedException(refusal, refusal == PeerRefusal.Version
                ? $"it speaks major version {bytes[2]}, and this node {ProtocolVersion.Major}; run one release on all members"
                : "its message is malformed");
        }

        if (message.Node != peer || (expected is { } number && message.Session != number))
        {
            throw new PeerRefusedException(PeerRefusal.Malformed, $"it calls itself node {message.Node}, and is node {peer} by its certificate");
        }

        return new PeerSession(message.Session, message.Incarnation, _secret, secret);
    }
}

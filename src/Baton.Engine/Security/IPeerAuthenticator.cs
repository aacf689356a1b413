namespace Baton.Engine;

/// <summary>
/// Proves to a peer who this node is, and finds out who the peer is. Called on the thread pool, off the packet path, for
/// each connection on which two members agree on keys.
/// </summary>
public interface IPeerAuthenticator
{
    /// <summary>Makes a stream that only the two members can read and write.</summary>
    /// <param name="stream">A connection with the peer's lan address. The result owns it.</param>
    /// <param name="peer">The name of the member that has that address: the other end must prove to be it.</param>
    /// <param name="initiates">Whether this node made the connection.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="PeerRefusedException">It is not, or refuses this node.</exception>
    ValueTask<Stream> AuthenticateAsync(Stream stream, string peer, bool initiates, CancellationToken cancellationToken);
}

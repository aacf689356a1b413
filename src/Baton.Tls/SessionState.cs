namespace Baton.Tls;

/// <summary>
/// The record layer of a connection as plain data: who has it goes on exactly where the last one stopped. Whoever took it
/// from a session has taken the session's keys too.
/// </summary>
/// <param name="Suite">The cipher suite.</param>
/// <param name="Read">The peer's direction.</param>
/// <param name="Write">The own direction.</param>
/// <param name="ReadClosed">Whether the peer has said that it sends no more.</param>
/// <param name="OwesKeyUpdate">Whether the peer's request for a KeyUpdate is to be answered.</param>
/// <param name="KeyUpdatesInARow">KeyUpdates of the peer since its last data.</param>
/// <param name="Partial">The part of a handshake message whose rest comes in the next record; at most 4 bytes.</param>
public sealed record SessionState(
    CipherSuite Suite,
    DirectionState Read,
    DirectionState Write,
    bool ReadClosed = false,
    bool OwesKeyUpdate = false,
    int KeyUpdatesInARow = 0,
    ReadOnlyMemory<byte> Partial = default)
{
    /// <summary>Makes the secrets zero.</summary>
    public void Wipe()
    {
        Read.Wipe();
        Write.Wipe();
    }
}

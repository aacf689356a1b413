using System.Security.Cryptography;

namespace Baton.Tls;

/// <summary>What protects one direction of a connection from here on: a secret, and the number of the next record under it.</summary>
/// <param name="Secret">The traffic secret (RFC 8446 §7.1).</param>
/// <param name="Number">The next record's number (§5.3).</param>
public readonly record struct DirectionState(byte[] Secret, ulong Number)
{
    /// <summary>Makes the secret zero.</summary>
    public void Wipe() => CryptographicOperations.ZeroMemory(Secret);
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using Baton.Link;

namespace Baton.Engine;

/// <summary>
/// Random 64-bit values: from the operating system, because who can guess an endpoint's id could inject, or from a seed,
/// so that a simulation can be repeated.
/// </summary>
internal sealed class RandomBits(ulong? seed)
{
    private readonly SeededRandom? _seeded = seed is { } value ? new SeededRandom(value) : null;
    private readonly byte[] _buffer = new byte[512];
    private int _left;

    public ulong Next()
    {
        if (_seeded is not null)
        {
            return _seeded.NextUInt64();
        }

        if (_left == 0)
        {
            RandomNumberGenerator.Fill(_buffer);
            _left = _buffer.Length;
        }

        _left -= sizeof(ulong);
        return BinaryPrimitives.ReadUInt64LittleEndian(_buffer.AsSpan(_left));
    }

    /// <summary>A value that is not 0, which names nothing.</summary>
    public ulong NextName()
    {
        ulong value;
        do
        {
            value = Next();
        }
        while (value == 0);
        return value;
    }
}

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Baton.Samples;

/// <summary>
/// SHA-256 (FIPS 180-4) whose state can travel: an application hashes part of a stream on one node, exports the state as
/// its handoff context, and the next node goes on from there. The platform's own implementation gives no such state out.
/// </summary>
public sealed class Sha256State
{
    /// <summary>Bytes of an exported state.</summary>
    public const int ExportedLength = 1 + 8 + 32 + BlockLength;

    private const byte Version = 1;
    private const int BlockLength = 64;

    // FIPS 180-4 §4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    private static readonly uint[] K =
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    // FIPS 180-4 §5.3.3.
    private readonly uint[] _hash =
    [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ];

    private readonly byte[] _tail = new byte[BlockLength];

    /// <summary>Bytes hashed so far.</summary>
    public ulong Length { get; private set; }

    private int TailLength => (int)(Length % BlockLength);

    /// <summary>Takes the state that <see cref="Export"/> wrote.</summary>
    public static bool TryImport(ReadOnlySpan<byte> exported, out Sha256State state)
    {
        state = new Sha256State();
        if (exported.Length != ExportedLength || exported[0] != Version)
        {
            return false;
        }

        state.Length = BinaryPrimitives.ReadUInt64BigEndian(exported[1..]);
        for (int i = 0; i < state._hash.Length; i++)
        {
            state._hash[i] = BinaryPrimitives.ReadUInt32BigEndian(exported[(9 + 4 * i)..]);
        }

        exported[41..].CopyTo(state._tail);
        return true;
    }

    /// <summary>Writes the state into <paramref name="destination"/>, which has <see cref="ExportedLength"/> bytes.</summary>
    public void Export(Span<byte> destination)
    {
        destination[0] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(destination[1..], Length);
        for (int i = 0; i < _hash.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[(9 + 4 * i)..], _hash[i]);
        }

        _tail.CopyTo(destination[41..ExportedLength]);
    }

    /// <summary>Hashes the next bytes of the stream.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        int held = TailLength;
        Length += (ulong)bytes.Length;
        if (held > 0)
        {
            int taken = Math.Min(BlockLength - held, bytes.Length);
            bytes[..taken].CopyTo(_tail.AsSpan(held));
            bytes = bytes[taken..];
            if (held + taken < BlockLength)
            {
                return;
            }

            Compress(_tail);
        }

        int whole = bytes.Length - bytes.Length % BlockLength;
        Compress(bytes[..whole]);
        bytes[whole..].CopyTo(_tail);
    }

    /// <summary>The hash of everything appended; the state itself stays as it is.</summary>
    public byte[] Digest()
    {
        // FIPS 180-4 §5.1.1: a one bit, zeros, and the length in bits as a 64-bit number.
        Span<byte> padding = stackalloc byte[2 * BlockLength];
        padding.Clear();
        int held = TailLength;
        int length = held < BlockLength - 8 ? BlockLength : 2 * BlockLength;
        _tail.AsSpan(0, held).CopyTo(padding);
        padding[held] = 0x80;
        BinaryPrimitives.WriteUInt64BigEndian(padding[(length - 8)..], Length * 8);

        Span<uint> saved = stackalloc uint[8];
        _hash.CopyTo(saved);
        Compress(padding[..length]);
        var digest = new byte[SHA256.HashSizeInBytes];
        for (int i = 0; i < _hash.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest.AsSpan(4 * i), _hash[i]);
        }

        saved.CopyTo(_hash);
        return digest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compress(ReadOnlySpan<byte> blocks)
    {
        Span<uint> w = stackalloc uint[64];
        var hash = _hash;
        for (; blocks.Length >= BlockLength; blocks = blocks[BlockLength..])
        {
            Schedule(blocks, w);
            uint a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
            for (int i = 0; i < 64; i += 8)
            {
                // Eight rounds, the variables changing places instead of values (§6.2.2 step 3).
                Round(a, b, c, ref d, e, f, g, ref h, w[i]);
                Round(h, a, b, ref c, d, e, f, ref g, w[i + 1]);
                Round(g, h, a, ref b, c, d, e, ref f, w[i + 2]);
                Round(f, g, h, ref a, b, c, d, ref e, w[i + 3]);
                Round(e, f, g, ref h, a, b, c, ref d, w[i + 4]);
                Round(d, e, f, ref g, h, a, b, ref c, w[i + 5]);
                Round(c, d, e, ref f, g, h, a, ref b, w[i + 6]);
                Round(b, c, d, ref e, f, g, h, ref a, w[i + 7]);
            }

            hash[0] += a;
            hash[1] += b;
            hash[2] += c;
            hash[3] += d;
            hash[4] += e;
            hash[5] += f;
            hash[6] += g;
            hash[7] += h;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(uint a, uint b, uint c, ref uint d, uint e, uint f, uint g, ref uint h, uint kw)
    {
        uint t1 = h + kw
            + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25))
            + ((f ^ g) & e ^ g);
        d += t1;
        h = t1
            + (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22))
            + ((a | b) & c | a & b);
    }

    /// <summary>The message schedule (§6.2.2 step 1), each word with its round constant added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Schedule(ReadOnlySpan<byte> block, Span<uint> w)
    {
        for (int i = 0; i < 16; i++)
        {
            w[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(4 * i)..]);
        }

        for (int i = 16; i < 64; i++)
        {
            uint w15 = w[i - 15], w2 = w[i - 2];
            uint s0 = BitOperations.RotateRight(w15, 7) ^ BitOperations.RotateRight(w15, 18) ^ w15 >> 3;
            uint s1 = BitOperations.RotateRight(w2, 17) ^ BitOperations.RotateRight(w2, 19) ^ w2 >> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }

        for (int i = 0; i < 64; i++)
        {
            w[i] += K[i];
        }
    }
}

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Frames from one shard to one other: a ring of bytes with one writer and one reader, without locks. Each frame stands in
/// one piece behind a word that describes it; one that does not fit before the ring's end begins at its start again.
/// </summary>
internal sealed class FrameRing
{
    private const int WordLength = sizeof(ulong);

    // In the place of a length: the rest up to the ring's end is empty.
    private const uint Skip = uint.MaxValue;

    private readonly byte[] _bytes;
    private Positions _positions;

    /// <summary>An empty ring.</summary>
    /// <param name="capacity">Bytes that it has; a power of two, 64 or more. The longest frame has a quarter of it.</param>
    public FrameRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 64);
        ArgumentOutOfRangeException.ThrowIfNotEqual((int)BitOperations.RoundUpToPowerOf2((uint)capacity), capacity);
        _bytes = GC.AllocateUninitializedArray<byte>(capacity, pinned: true);
    }

    /// <summary>Whether the reader has read everything. Of either thread.</summary>
    public bool IsEmpty => Volatile.Read(ref _positions.Written) == Volatile.Read(ref _positions.Read);

    /// <summary>Writes a frame in two pieces; false when there is no room. The writer's.</summary>
    /// <param name="fromLan">Which of the node's networks it came by.</param>
    /// <param name="offload">What travels beside it.</param>
    /// <param name="first">Its beginning.</param>
    /// <param name="second">The rest.</param>
    public bool TryWrite(bool fromLan, FrameOffload offload, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int length = first.Length + second.Length;
        int needed = WordLength + Aligned(length);
        long written = _positions.Written;
        int at = (int)written & (_bytes.Length - 1);
        int untilEnd = _bytes.Length - at;
        int skipped = needed > untilEnd ? untilEnd : 0;
        if (needed > _bytes.Length / 4 || !HasRoom(written + skipped + needed))
        {
            return false;
        }

        if (skipped > 0)
        {
            WriteWord(at, Skip);
            written += skipped;
            at = 0;
        }

        WriteWord(at, (uint)length | (ulong)offload.SegmentSize << 32 | (ulong)offload.Checksum << 48 | (ulong)offload.Gso << 52 | (fromLan ? 1UL << 63 : 0));
        first.CopyTo(_bytes.AsSpan(at + WordLength));
        second.CopyTo(_bytes.AsSpan(at + WordLength + first.Length));
        Volatile.Write(ref _positions.Written, written + needed);
        return true;
    }

    /// <summary>The oldest frame, valid until <see cref="Release"/>; false when there is none. The reader's.</summary>
    public bool TryRead(out bool fromLan, out FrameOffload offload, out Span<byte> frame)
    {
        long read = _positions.Read;
        if (read == _positions.SeenByReader)
        {
            _positions.SeenByReader = Volatile.Read(ref _positions.Written);
            if (read == _positions.SeenByReader)
            {
                fromLan = false;
                offload = default;
                frame = default;
                return false;
            }
        }

        int at = (int)read & (_bytes.Length - 1);
        ulong word = ReadWord(at);
        if ((uint)word == Skip)
        {
            read += _bytes.Length - at;
            at = 0;
            word = ReadWord(at);
        }

        fromLan = word >> 63 != 0;
        offload = new((ChecksumState)(word >> 48 & 0xF), (GsoType)(word >> 52 & 0xF), (ushort)(word >> 32));
        frame = _bytes.AsSpan(at + WordLength, (int)(uint)word);
        _positions.Next = read + WordLength + Aligned(frame.Length);
        return true;
    }

    /// <summary>Gives the place of the frame that was read last back. The reader's.</summary>
    public void Release() => Volatile.Write(ref _positions.Read, _positions.Next);

    private static int Aligned(int length) => (length + WordLength - 1) & -WordLength;

    private bool HasRoom(long end)
    {
        if (end - _positions.SeenByWriter > _bytes.Length)
        {
            _positions.SeenByWriter = Volatile.Read(ref _positions.Read);
        }

        return end - _positions.SeenByWriter <= _bytes.Length;
    }

    private void WriteWord(int at, ulong word) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(at), word);

    private ulong ReadWord(int at) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at));

    // Reader and writer change cache lines of their own (two, since processors fetch them in pairs).
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Positions
    {
        /// <summary>Bytes written since the beginning.</summary>
        [FieldOffset(128)]
        public long Written;

        /// <summary>What the writer last saw of <see cref="Read"/>.</summary>
        [FieldOffset(136)]
        public long SeenByWriter;

        /// <summary>Bytes read and released since the beginning.</summary>
        [FieldOffset(256)]
        public long Read;

        /// <summary>What the reader last saw of <see cref="Written"/>.</summary>
        [FieldOffset(264)]
        public long SeenByReader;

        /// <summary>Where the frame after the one that was read last begins.</summary>
        [FieldOffset(272)]
        public long Next;
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Baton.Bench.Machine;
using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Bench.Nic;

/// <summary>
/// Another table of flows, to see what it would give: an array of buckets of one cache line, eight fingerprints with the
/// numbers of their entries, and an array of entries. A program looks both up without a call and without the kernel's hash.
/// </summary>
internal sealed class FingerprintTable : IDisposable
{
    private const int SlotsPerBucket = 8;

    // Of so many flows one may be missing: a table for use would have a second bucket for it.
    private const int MostOverflows = 1000;
    private const int Key = -16, Index = -20;
    private const ulong Salt = 0x9E37_79B9_7F4A_7C15;

    private readonly BpfMap<uint, Bucket> _buckets;
    private readonly BpfMap<uint, Entry> _entries;
    private readonly int _bucketCount;

    public FingerprintTable(int flows)
    {
        _bucketCount = Math.Max(1, flows / 2);
        _buckets = new(BpfMapKind.Array, "bench_buckets", _bucketCount);
        _entries = new(BpfMapKind.Array, "bench_entries", flows);
        var buckets = new Bucket[_bucketCount];
        var entries = new Entry[flows];
        int overflows = 0;
        for (int i = 0; i < flows; i++)
        {
            ulong first = BinaryPrimitives.ReverseEndianness(DrawnPacket.Client(i).V4) | (ulong)BinaryPrimitives.ReverseEndianness(NicBenchmark.Service.V4) << 32;
            ulong second = BitConverter.ToUInt32([0x14, 0xE9, 0, 80]) | (ulong)IpProtocol.Tcp << 32;
            entries[i] = new Entry { First = first, Second = second };
            ulong hash = Hash(first, second);
            Span<ulong> slots = buckets[(int)(hash >> 32) & (_bucketCount - 1)];
            int free = slots.IndexOf(0UL);
            if (free < 0)
            {
                overflows++;
                continue;
            }

            slots[free] = (uint)hash | 1 | (ulong)(uint)i << 32;
        }

        if (overflows > flows / MostOverflows)
        {
            throw new BenchException($"{overflows} of {flows} flows found no room in their buckets");
        }

        Fill(_buckets, buckets);
        Fill(_entries, entries);
    }

    /// <summary>Parse, look up, pass on; the program behind <see cref="DrawnPacket.Draw"/>.</summary>
    public void Emit(Assembler code)
    {
        const int ip = 14, tcp = 34;
        var miss = new Label("miss");
        var hit = new Label("hit");
        code.BeginXdp();
        code.Require(R7, 54, miss);
        code.Load(Width.Half, R1, R7, 12);
        code.JumpIf(R1, When.NotEqual, 0x0008, miss);
        code.Load(Width.Byte, R1, R7, ip);
        code.JumpIf(R1, When.NotEqual, 0x45, miss);
        code.Copy(R10, Key, R7, ip + 12, 8);
        code.Copy(R10, Key + 8, R7, tcp, 4);
        code.Load(Width.Byte, R1, R7, ip + 9);
        code.Store(Width.Word, R10, Key + 12, R1);
        code.Load(Width.Double, R9, R10, Key);
        code.Load(Width.Double, R2, R10, Key + 8);
        code.Add(R9, R2);
        Mix(code);
        code.LoadConstant(R2, Salt);
        code.Add(R9, R2);
        Mix(code);
        code.Move(R1, R9);
        code.ShiftRight(R1, 32);
        code.And(R1, _bucketCount - 1);
        code.Store(Width.Word, R10, Index, R1);
        code.MoveWord(R9, R9);
        code.Move(R1, 1);
        code.Or(R9, R1);
        code.Lookup(_buckets, Index, miss);
        for (int i = 0; i < SlotsPerBucket; i++)
        {
            var next = new Label("next slot");
            code.Load(Width.Word, R1, R0, i * sizeof(ulong));
            code.JumpIf(R1, When.NotEqual, R9, next);
            code.Load(Width.Word, R1, R0, i * sizeof(ulong) + sizeof(uint));
            code.Jump(hit);
            code.Place(next);
        }

        code.Jump(miss);
        code.Place(hit);
        code.Store(Width.Word, R10, Index, R1);
        code.Lookup(_entries, Index, miss);
        for (int half = 0; half < 16; half += 8)
        {
            code.Load(Width.Double, R1, R0, half);
            code.Load(Width.Double, R2, R10, Key + half);
            code.JumpIf(R1, When.NotEqual, R2, miss);
        }

        code.Return(XdpAction.Pass);
        code.Place(miss);
        code.Return(XdpAction.Aborted);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _buckets.Dispose();
        _entries.Dispose();
    }

    private static void Mix(Assembler code)
    {
        foreach (int shift in (int[])[13, -7, 17])
        {
            code.Move(R2, R9);
            if (shift > 0)
            {
                code.ShiftLeft(R2, shift);
            }
            else
            {
                code.ShiftRight(R2, -shift);
            }

            code.Xor(R9, R2);
        }
    }

    private static ulong Hash(ulong first, ulong second) => Mix(Mix(first + second) + Salt);

    private static ulong Mix(ulong x)
    {
        x ^= x << 13;
        x ^= x >> 7;
        return x ^ (x << 17);
    }

    private static void Fill<T>(BpfMap<uint, T> map, T[] values)
        where T : unmanaged
    {
        uint[] keys = [.. Enumerable.Range(0, values.Length).Select(i => (uint)i)];
        if (map.WriteAll(keys, values) != values.Length)
        {
            throw new BenchException("the fingerprint table took not all flows");
        }
    }

    [InlineArray(SlotsPerBucket)]
    private struct Bucket
    {
        private ulong _first;
    }

    /// <summary>As long as one with finished headers.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16 + FloorProgram.HeadersLength + 2)]
    private struct Entry
    {
        public ulong First;
        public ulong Second;
    }
}

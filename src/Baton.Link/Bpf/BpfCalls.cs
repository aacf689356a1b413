using System.Runtime.CompilerServices;
using System.Text;

namespace Baton.Link.Bpf;

/// <summary>
/// bpf(2), command by command. Each attribute is a zeroed block on the stack, written at the offsets of union bpf_attr; the
/// kernel reads it during the call only, and the memory that it points to is the caller's, pinned or on the stack.
/// </summary>
internal static unsafe class BpfCalls
{
    private const int AttributeLength = 128;
    private const int NameLength = 16;

    private enum Command
    {
        MapCreate = 0,
        MapLookup = 1,
        MapUpdate = 2,
        MapDelete = 3,
        ProgramLoad = 5,
        ProgramTestRun = 10,
        MapLookupBatch = 24,
        MapUpdateBatch = 26,
        MapDeleteBatch = 27,
        LinkCreate = 28,
        EnableStatistics = 32,
    }

    /// <returns>A descriptor, or -1.</returns>
    public static int CreateMap(BpfMapKind kind, int keyLength, int valueLength, int entries, string name)
    {
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        Put(attribute, 0, (int)kind);
        Put(attribute, 4, keyLength);
        Put(attribute, 8, valueLength);
        Put(attribute, 12, entries);
        PutName(attribute + 28, name);
        return Call(Command.MapCreate, attribute, 72);
    }

    /// <returns>0, or -1.</returns>
    public static int Lookup(int map, void* key, void* value) => Element(Command.MapLookup, map, key, value);

    /// <returns>0, or -1.</returns>
    public static int Update(int map, void* key, void* value) => Element(Command.MapUpdate, map, key, value);

    /// <returns>0, or -1.</returns>
    public static int Delete(int map, void* key) => Element(Command.MapDelete, map, key, null);

    /// <returns>0, or -1; <paramref name="count"/> is then the number of entries that were done.</returns>
    public static int UpdateBatch(int map, void* keys, void* values, ref int count) =>
        Batch(Command.MapUpdateBatch, map, null, null, keys, values, ref count);

    /// <returns>0, or -1; <paramref name="count"/> is then the number of entries that were done.</returns>
    public static int DeleteBatch(int map, void* keys, ref int count) =>
        Batch(Command.MapDeleteBatch, map, null, null, keys, null, ref count);

    /// <summary>Reads on from <paramref name="position"/> (null: from the start) and says where it stopped.</summary>
    /// <returns>0, or -1: with ENOENT when the end was reached; <paramref name="count"/> entries were read either way.</returns>
    public static int LookupBatch(int map, void* position, void* next, void* keys, void* values, ref int count) =>
        Batch(Command.MapLookupBatch, map, position, next, keys, values, ref count);

    /// <summary>As long as the descriptor is open the kernel measures how long programs run, at some cost; fdinfo of a program says it.</summary>
    /// <returns>A descriptor, or -1.</returns>
    public static int EnableStatistics()
    {
        // The only kind of statistics is BPF_STATS_RUN_TIME, 0.
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        return Call(Command.EnableStatistics, attribute, 4);
    }

    /// <returns>A descriptor, or -1. The log, if there is one, is zero-terminated.</returns>
    public static int LoadProgram(ReadOnlySpan<ulong> instructions, string name, uint flags, Span<byte> log)
    {
        const int xdp = 6;
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        fixed (ulong* code = instructions)
        fixed (byte* license = "GPL\0"u8, text = log)
        {
            Put(attribute, 0, xdp);
            Put(attribute, 4, instructions.Length);
            Put(attribute, 8, code);
            Put(attribute, 16, license);
            Put(attribute, 24, log.Length > 0 ? 1 : 0);
            Put(attribute, 28, log.Length);
            Put(attribute, 32, text);
            Put(attribute, 44, (int)flags);
            PutName(attribute + 48, name);
            return Call(Command.ProgramLoad, attribute, 120);
        }
    }

    /// <summary>Runs a program on a packet, <paramref name="repeat"/> times one after the other on what it left.</summary>
    /// <returns>0, or -1.</returns>
    public static int TestRun(
        int program,
        int repeat,
        ReadOnlySpan<byte> packet,
        Span<byte> result,
        ref int resultLength,
        ReadOnlySpan<byte> context,
        Span<byte> contextResult,
        out int action,
        out uint nanoseconds)
    {
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        fixed (byte* input = packet, output = result, contextIn = context, contextOut = contextResult)
        {
            Put(attribute, 0, program);
            Put(attribute, 8, packet.Length);
            Put(attribute, 12, result.Length);
            Put(attribute, 16, input);
            Put(attribute, 24, output);
            Put(attribute, 32, repeat);
            Put(attribute, 40, context.Length);
            Put(attribute, 44, contextResult.Length);
            Put(attribute, 48, contextIn);
            Put(attribute, 56, contextOut);
            int done = Call(Command.ProgramTestRun, attribute, 80);
            action = *(int*)(attribute + 4);
            nanoseconds = *(uint*)(attribute + 36);
            resultLength = *(int*)(attribute + 12);
            return done;
        }
    }

    /// <returns>A descriptor, or -1. The program is attached for as long as the descriptor is open.</returns>
    public static int AttachXdp(int program, int interfaceIndex, uint flags)
    {
        const int xdp = 37;
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        Put(attribute, 0, program);
        Put(attribute, 4, interfaceIndex);
        Put(attribute, 8, xdp);
        Put(attribute, 12, (int)flags);
        return Call(Command.LinkCreate, attribute, 64);
    }

    private static int Element(Command command, int map, void* key, void* value)
    {
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        Put(attribute, 0, map);
        Put(attribute, 8, key);
        Put(attribute, 16, value);
        return Call(command, attribute, 32);
    }

    private static int Batch(Command command, int map, void* position, void* next, void* keys, void* values, ref int count)
    {
        byte* attribute = stackalloc byte[AttributeLength];
        Unsafe.InitBlock(attribute, 0, AttributeLength);
        Put(attribute, 0, position);
        Put(attribute, 8, next);
        Put(attribute, 16, keys);
        Put(attribute, 24, values);
        Put(attribute, 32, count);
        Put(attribute, 36, map);
        int result = Call(command, attribute, 56);
        count = *(int*)(attribute + 32);
        return result;
    }

    private static int Call(Command command, byte* attribute, int length)
    {
        const int bpf = 321;
        return (int)Syscalls.Call(bpf, (int)command, (nint)attribute, length);
    }

    private static void Put(byte* attribute, int offset, int value) => *(int*)(attribute + offset) = value;

    private static void Put(byte* attribute, int offset, void* value) => *(void**)(attribute + offset) = value;

    private static void PutName(byte* field, string name) =>
        Encoding.ASCII.GetBytes(name.AsSpan(0, Math.Min(name.Length, NameLength - 1)), new Span<byte>(field, NameLength - 1));
}

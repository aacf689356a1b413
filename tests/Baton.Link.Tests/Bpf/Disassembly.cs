using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Baton.Link.Bpf;

namespace Baton.Link.Tests.Bpf;

/// <summary>What others' disassemblers make of a program.</summary>
internal static partial class Disassembly
{
    public const string NoLlvm = "llvm-objdump is not installed (Debian: llvm)";

    public static bool HasLlvm => Exists("llvm-objdump");

    /// <summary>A line for each instruction as <c>llvm-objdump -d</c> writes it.</summary>
    public static List<string> ByLlvm(IReadOnlyList<Instruction> program)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, ObjectFile(program));
            return
            [
                .. Run("llvm-objdump", "-d", "--no-show-raw-insn", "--no-leading-addr", file).Split('\n')
                    .Where(line => line.StartsWith('\t') || line.StartsWith("  ", StringComparison.Ordinal))
                    .Select(line => Normalized(TargetName().Replace(line, ""))),
            ];
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>A line for each instruction as <c>bpftool prog dump xlated</c> writes it: after the verifier.</summary>
    public static List<string> ByBpftool(BpfProgram program)
    {
        var entry = Identifier().Match(Run("bpftool", "prog", "show", "name", program.Name));
        return
        [
            .. Run("bpftool", "prog", "dump", "xlated", "id", entry.Groups[1].Value).Split('\n')
                .Where(line => line.Length > 0)
                .Select(line => Normalized(OpcodeInFront().Replace(line, ""))),
        ];
    }

    /// <summary>Our own listing, written as these are compared.</summary>
    public static List<string> Ours(IReadOnlyList<Instruction> program) => [.. Listing.Of(program).Select(Normalized)];

    /// <summary>They differ in spaces, in how they write jumps, and in the base of some numbers.</summary>
    private static string Normalized(string line) =>
        Hexadecimal().Replace(
            Spaces().Replace(line, "").Replace("gotopc", "goto", StringComparison.Ordinal),
            number => Convert.ToInt64(number.Value, 16).ToString(CultureInfo.InvariantCulture));

    /// <summary>The least ELF file that has a program in it: a header, the code, the names of sections, three sections.</summary>
    private static byte[] ObjectFile(IReadOnlyList<Instruction> program)
    {
        const int header = 64, section = 64, bpf = 247;
        byte[] names = "\0.text\0.shstrtab\0"u8.ToArray();
        int code = program.Count * 8;
        int sections = (header + code + names.Length + 7) & ~7;
        byte[] file = new byte[sections + (3 * section)];
        ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file);
        Put16(16, 1);
        Put16(18, bpf);
        Put32(20, 1);
        Put64(40, sections);
        Put16(52, header);
        Put16(58, section);
        Put16(60, 3);
        Put16(62, 2);
        for (int i = 0; i < program.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(header + (8 * i)), program[i].Encoded);
        }

        names.CopyTo(file, header + code);
        PutSection(1, name: 1, type: 1, flags: 6, offset: header, length: code);
        PutSection(2, name: 7, type: 3, flags: 0, offset: header + code, length: names.Length);
        return file;

        void Put16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)value);
        void Put32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        void Put64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);
        void PutSection(int number, int name, int type, int flags, int offset, int length)
        {
            int at = sections + (number * section);
            Put32(at, name);
            Put32(at + 4, type);
            Put64(at + 8, flags);
            Put64(at + 24, offset);
            Put64(at + 32, length);
            Put64(at + 48, 8);
        }
    }

    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error.Result}");
        return output;
    }

    private static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex(@"\s*<[^<>]*>$")]
    private static partial Regex TargetName();

    [GeneratedRegex(@"^\s*\d+: \([0-9a-f]{2}\) ")]
    private static partial Regex OpcodeInFront();

    [GeneratedRegex("0x[0-9a-f]+")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^(\d+): ")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

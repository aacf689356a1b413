using System.Buffers.Binary;
using Baton.Scenarios.Script;

namespace Baton.Scenarios.Run;

/// <summary>TCP options between the script's words and the wire, in the order they stand in.</summary>
internal static class OptionBytes
{
    private const byte EndOfList = 0;
    private const byte NoOperation = 1;
    private const byte MaximumSegmentSize = 2;
    private const byte WindowScale = 3;
    private const byte SackPermitted = 4;
    private const byte Sack = 5;
    private const byte Timestamps = 8;
    private const byte Md5Signature = 19;
    private const byte FastOpen = 34;
    private const byte AccEcn0 = 172;
    private const byte AccEcn1 = 174;
    private const byte Experiment = 254;

    /// <summary>The counters of the AccECN option in its two orders (RFC 9768 §3.2.3).</summary>
    private static readonly string[] s_counters0 = ["e0b", "ceb", "e1b"], s_counters1 = ["e1b", "ceb", "e0b"];

    /// <summary>The experiment's identifier of TCP Fast Open (RFC 7413 §A.1).</summary>
    private static readonly byte[] FastOpenExperiment = [0xF9, 0x89];

    /// <summary>Options of the remote end: TS ecr and SACK blocks are ours, in the script's numbers.</summary>
    public static byte[] Write(IReadOnlyList<OptionSpec> options, FlowMap flow)
    {
        var bytes = new List<byte>();
        foreach (var option in options)
        {
            switch (option.Name)
            {
                case "nop":
                    bytes.Add(NoOperation);
                    break;
                case "eol":
                    bytes.Add(EndOfList);
                    break;
                case "mss":
                    bytes.AddRange([MaximumSegmentSize, 4, (byte)(option.Values[0] >> 8), (byte)option.Values[0]]);
                    break;
                case "wscale":
                    bytes.AddRange([WindowScale, 3, (byte)option.Values[0]]);
                    break;
                case "sackOK":
                    bytes.AddRange([SackPermitted, 2]);
                    break;
                case "TS":
                    bytes.AddRange([Timestamps, 10]);
                    AddWord(bytes, option.Values[0]);
                    AddWord(bytes, flow.TimestampToLive(option.Values[1]));
                    break;
                case "md5" or "FO" or "FOEXP":
                    AddBytes(bytes, option);
                    break;
                case "ECN":
                    bytes.AddRange([option.Text.StartsWith("e0b", StringComparison.Ordinal) ? AccEcn0 : AccEcn1, (byte)(2 + (3 * option.Values.Count))]);
                    bytes.AddRange(option.Values.SelectMany(v => new[] { (byte)(v >> 16), (byte)(v >> 8), (byte)v }));
                    break;
                default:
                    bytes.AddRange([Sack, (byte)(2 + (4 * option.Values.Count))]);
                    foreach (uint edge in option.Values)
                    {
                        AddWord(bytes, flow.LocalToLive(edge).Value);
                    }

                    break;
            }
        }

        while (bytes.Count % 4 != 0)
        {
            bytes.Add(EndOfList);
        }

        return [.. bytes];
    }

    /// <summary>Options of ours: TS val and SACK blocks are turned into the script's numbers.</summary>
    public static List<OptionSpec> Read(ReadOnlySpan<byte> bytes, FlowMap flow)
    {
        var options = new List<OptionSpec>();
        while (!bytes.IsEmpty && bytes[0] != EndOfList)
        {
            int length = bytes[0] == NoOperation ? 1 : bytes[1];
            options.Add(ReadOption(bytes[0], bytes[Math.Min(2, length)..length], flow));
            bytes = bytes[length..];
        }

        return options;
    }

    private static OptionSpec ReadOption(byte kind, ReadOnlySpan<byte> data, FlowMap flow) => kind switch
    {
        NoOperation => new("nop", []),
        MaximumSegmentSize => new("mss", [BinaryPrimitives.ReadUInt16BigEndian(data)]),
        WindowScale => new("wscale", [data[0]]),
        SackPermitted => new("sackOK", []),
        Timestamps => new("TS", [flow.TimestampToScript(Word(data)), Word(data[4..])]),
        Sack => new("sack", [.. Words(data).Select(edge => FlowMap.RemoteToScript(new(edge)))]),
        Md5Signature => new("md5", [], Convert.ToHexString(data)),
        FastOpen => new("FO", [], Convert.ToHexString(data)),
        Experiment when data.StartsWith(FastOpenExperiment) => new("FOEXP", [], Convert.ToHexString(data[2..])),
        AccEcn0 => new("ECN", Counters(data), string.Join(' ', s_counters0.Take(data.Length / 3))),
        AccEcn1 => new("ECN", Counters(data), string.Join(' ', s_counters1.Take(data.Length / 3))),
        _ => new($"option{kind}", []),
    };

    private static void AddBytes(List<byte> bytes, OptionSpec option)
    {
        byte[] data = Convert.FromHexString(option.Text);
        byte[] start = option.Name == "FOEXP" ? FastOpenExperiment : [];
        byte kind = option.Name switch { "md5" => Md5Signature, "FO" => FastOpen, _ => Experiment };
        bytes.AddRange([kind, (byte)(2 + start.Length + data.Length), .. start, .. data]);
    }

    private static uint[] Counters(ReadOnlySpan<byte> data)
    {
        uint[] counters = new uint[data.Length / 3];
        for (int i = 0; i < counters.Length; i++)
        {
            counters[i] = (uint)(data[3 * i] << 16 | data[(3 * i) + 1] << 8 | data[(3 * i) + 2]);
        }

        return counters;
    }

    private static uint[] Words(ReadOnlySpan<byte> data)
    {
        uint[] words = new uint[data.Length / 4];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = Word(data[(4 * i)..]);
        }

        return words;
    }

    private static uint Word(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt32BigEndian(data);

    private static void AddWord(List<byte> bytes, uint word) =>
        bytes.AddRange([(byte)(word >> 24), (byte)(word >> 16), (byte)(word >> 8), (byte)word]);
}

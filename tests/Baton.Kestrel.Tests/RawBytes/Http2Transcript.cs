using System.Buffers.Binary;
using System.Text;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>
/// What a server of HTTP/2 says, in a form that does not depend on how streams take turns: each stream's status, bytes and
/// end, then GOAWAY with the last stream and the error, then whether the connection is open (a PING was answered) or closed.
/// </summary>
internal sealed class Http2Transcript
{
    /// <summary>The PING that asks whether the connection is open.</summary>
    public const string Probe = "is open?";

    private static readonly string[] s_errors =
    [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
        "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ];

    private static readonly int[] s_indexedStatuses = [200, 204, 206, 304, 400, 404, 500];
    private readonly SortedDictionary<int, Answer> _streams = [];
    private readonly List<byte> _received = [];
    private string _pings = string.Empty;
    private string _goAway = string.Empty;
    private string _end = string.Empty;

    public void Add(byte[] bytes)
    {
        _received.AddRange(bytes);
        var all = _received.ToArray().AsSpan();
        if (all.StartsWith("HTTP/1.1 "u8))
        {
            return;
        }

        while (all.Length >= 9 && 9 + (all[0] << 16 | all[1] << 8 | all[2]) is var length && all.Length >= length)
        {
            Add(all[3], all[4], (int)BinaryPrimitives.ReadUInt32BigEndian(all[5..]), all[9..length]);
            all = all[length..];
        }

        _received.Clear();
        _received.AddRange(all);
    }

    public void Close() => _end = "closed";

    public override string ToString()
    {
        string other = _received is [(byte)'H', ..] ? Encoding.Latin1.GetString([.. _received[..12]]) : string.Empty;
        string[] parts = [other, .. _streams.Select(stream => $"{stream.Key}:{stream.Value}"), _pings, _goAway, _end];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }

    private void Add(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case 0:
                Of(stream).Body += Encoding.Latin1.GetString(payload);
                break;
            case 1:
                Of(stream).Heads.Add(Of(stream).Heads.Count == 0 ? Status(payload) : "trailers");
                break;
            case 3:
                Of(stream).End = Error(payload);
                break;
            case 6 when (flags & Http2Frame.Ack) != 0 && Encoding.Latin1.GetString(payload) == Probe:
                _end = "open";
                break;
            case 6:
                _pings += $"ping '{Encoding.Latin1.GetString(payload)}'";
                break;
            case 7:
                _goAway = $"GOAWAY {BinaryPrimitives.ReadInt32BigEndian(payload)} {Error(payload[4..])}";
                break;
        }

        if (type is 0 or 1 && (flags & Http2Frame.EndStream) != 0)
        {
            Of(stream).End = "end";
        }
    }

    private Answer Of(int stream) => _streams.TryGetValue(stream, out var there) ? there : _streams[stream] = new Answer();

    private static string Error(ReadOnlySpan<byte> code) => s_errors[BinaryPrimitives.ReadInt32BigEndian(code)];

    // RFC 7541 Appendix A: entries 8 to 14 are :status with these values; others come as a literal with its name's index.
    private static string Status(ReadOnlySpan<byte> block)
    {
        while ((block[0] & 0xE0) == 0x20)
        {
            block = block[1..];
        }

        return (block[0] & 0x80) != 0 ? $"{s_indexedStatuses[(block[0] & 0x7F) - 8]}" : Encoding.Latin1.GetString(block.Slice(2, 3));
    }

    private sealed class Answer
    {
        public List<string> Heads { get; } = [];

        public string Body { get; set; } = string.Empty;

        public string End { get; set; } = string.Empty;

        public override string ToString()
        {
            string body = Body.Length > 0 ? $" '{Body}'" : string.Empty;
            string end = End.Length > 0 ? $" {End}" : string.Empty;
            string head = Heads.Count > 0 ? $" {Heads[0]}" : string.Empty;
            return head + body + string.Concat(Heads.Skip(1).Select(next => $" {next}")) + end;
        }
    }
}

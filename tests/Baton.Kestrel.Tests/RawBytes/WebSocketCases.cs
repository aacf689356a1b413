using System.Text;
using static Baton.Kestrel.Tests.RawBytes.WebSocketFrame;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>
/// Frames and messages of WebSockets (RFC 6455 §5, §7, §8). The application gives messages back as it receives them and
/// answers a Close; behind each case the client sends a Ping, and <c>open</c> says that it was answered.
/// </summary>
internal static class WebSocketCases
{
    public static IReadOnlyList<RawCase> Frames { get; } =
    [
        new("a text", "RFC 6455 §5.6", Frame(Text, "hello"), "text 'hello' open"),
        new("binary data", "RFC 6455 §5.6", Frame(Binary, "\u0000\u00ff"), "binary '\u0000\u00ff' open"),
        new("an empty text", "RFC 6455 §5.6", Frame(Text, ""), "text '' open"),
        new("a mask of zeros", "RFC 6455 §5.3", [0x81, 0x81, 0, 0, 0, 0, (byte)'a'], "text 'a' open"),
        new("a frame without a mask", "RFC 6455 §5.1", [0x81, 1, (byte)'a'], "close 1002 closed"),
        new("125 bytes", "RFC 6455 §5.2", Frame(Binary, new string('a', 125)), "binary '(125)' open"),
        new("126 bytes", "RFC 6455 §5.2", Frame(Binary, new string('a', 126)), "binary '(126)' open"),
        new("65,535 bytes", "RFC 6455 §5.2", Frame(Binary, new string('a', 65_535)), "binary '(65535)' open"),
        new("65,536 bytes", "RFC 6455 §5.2", Frame(Binary, new string('a', 65_536)), "binary '(65536)' open"),
        new("a length of two bytes that one could say", "RFC 6455 §5.2", Raw(Fin | Text, [0xFE, 0, 1], [(byte)'a']), "text 'a' open", Note: "the clause wants the shortest"),
        new("a length of eight bytes that one could say", "RFC 6455 §5.2", Raw(Fin | Text, [0xFF, 0, 0, 0, 0, 0, 0, 0, 1], [(byte)'a']), "text 'a' open", Note: "the clause wants the shortest"),
        new("a length of 2^63", "RFC 6455 §5.2", Raw(Fin | Text, [0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1], [(byte)'a']), "close 1002 closed"),
        new("the first reserved bit", "RFC 6455 §5.2", Frame(Fin | 0x40 | Text, "a"u8.ToArray()), "close 1002 closed"),
        new("the second reserved bit", "RFC 6455 §5.2", Frame(Fin | 0x20 | Text, "a"u8.ToArray()), "close 1002 closed"),
        new("the third reserved bit", "RFC 6455 §5.2", Frame(Fin | 0x10 | Text, "a"u8.ToArray()), "close 1002 closed"),
        new("a reserved bit of a Ping", "RFC 6455 §5.2", Frame(Fin | 0x40 | Ping, "a"u8.ToArray()), "close 1002 closed"),
        .. ((int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15]).Select(opcode =>
            new RawCase($"opcode {opcode}", "RFC 6455 §5.2", Frame(opcode, ""), "close 1002 closed")),
    ];

    public static IReadOnlyList<RawCase> Messages { get; } =
    [
        new("two messages at once", "RFC 6455 §5.4", Join(Frame(Text, "one"), Frame(Text, "two")), "text 'one' text 'two' open"),
        new("a message in two frames", "RFC 6455 §5.4", Join(Part(Text, "one "), Frame(Continuation, "two")), "text 'one two' open"),
        new("a message in three frames", "RFC 6455 §5.4", Join(Part(Binary, "1"), Part(Continuation, "2"), Frame(Continuation, "3")), "binary '123' open"),
        new("a message that ends in an empty frame", "RFC 6455 §5.4", Join(Part(Text, "one"), Frame(Continuation, "")), "text 'one' open"),
        new("a Ping in the middle of a message", "RFC 6455 §5.4", Join(Part(Text, "one "), Frame(Ping, "p"), Frame(Continuation, "two")), "pong 'p' text 'one two' open"),
        new("a continuation of nothing", "RFC 6455 §5.4", Frame(Continuation, "a"), "close 1002 closed"),
        new("a continuation of a message that has ended", "RFC 6455 §5.4", Join(Frame(Text, "a"), Frame(Continuation, "b")), "text 'a' close 1002 closed"),
        new("a text in the middle of a message", "RFC 6455 §5.4", Join(Part(Text, "a"), Frame(Text, "b")), "close 1002 closed"),
        new("a Ping", "RFC 6455 §5.5.2", Frame(Ping, "p"), "pong 'p' open"),
        new("an empty Ping", "RFC 6455 §5.5.2", Frame(Ping, ""), "pong '' open"),
        new("a Ping of 125 bytes", "RFC 6455 §5.5", Frame(Ping, new string('p', 125)), "pong '(125)' open"),
        new("a Ping of 126 bytes", "RFC 6455 §5.5", Frame(Ping, new string('p', 126)), "close 1002 closed"),
        new("a Ping in two frames", "RFC 6455 §5.5", Part(Ping, "p"), "close 1002 closed"),
        new("a Pong that nobody asked for", "RFC 6455 §5.5.3", Frame(Pong, "p"), "open"),
        new("a Pong in two frames", "RFC 6455 §5.5", Part(Pong, "p"), "close 1002 closed"),
        new("half a frame", "RFC 6455 §7.1.5", Frame(Text, "hello")[..8], "closed", CaseEnd.Fin),
        new("half a header", "RFC 6455 §7.1.5", Frame(Text, "hello")[..1], "closed", CaseEnd.Fin),
        new("half a message", "RFC 6455 §7.1.5", Part(Text, "hello"), "closed", CaseEnd.Fin),
        new("a frame that says more than it has", "RFC 6455 §7.1.5", Raw(Fin | Text, [0xFF, 0, 0, 0, 0, 0x7F, 0, 0, 0], "hello"u8.ToArray()), "closed", CaseEnd.Fin),
    ];

    public static IReadOnlyList<RawCase> Closes { get; } =
    [
        new("a Close without a status", "RFC 6455 §7.1.5", Frame(Close, ""), "close 1000 closed", Note: "the application says 1000"),
        new("a Close with a reason", "RFC 6455 §5.5.1", Closing(1000, "bye"), "close 1000 closed"),
        new("a Close of 125 bytes", "RFC 6455 §5.5", Closing(1000, new string('a', 123)), "close 1000 closed"),
        new("a Close of 126 bytes", "RFC 6455 §5.5", Closing(1000, new string('a', 124)), "close 1002 closed"),
        new("a Close of one byte", "RFC 6455 §5.5.1", Frame(Close, "\u0003"), "close 1002 closed"),
        new("a Close whose reason is no UTF-8", "RFC 6455 §5.5.1", Closing(1000, "\u00ff"), "close 1002 closed", Note: "1007 would say it better (§7.4.1)"),
        new("a Close in two frames", "RFC 6455 §5.5", Frame(Close, [0x03, 0xE8]), "close 1002 closed"),
        new("a message behind a Close", "RFC 6455 §5.5.1", Join(Closing(1000), Frame(Text, "a")), "close 1000 closed"),
        new("a Close in the middle of a message", "RFC 6455 §5.4", Join(Part(Text, "a"), Closing(1000)), "close 1000 closed"),
        .. ((int[])[1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]).Select(status =>
            new RawCase($"a Close of status {status}", "RFC 6455 §7.4", Closing(status), $"close {status} closed")),
        .. ((int[])[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]).Select(status =>
            new RawCase($"a Close of status {status}", "RFC 6455 §7.4", Closing(status), "close 1002 closed")),
    ];

    public static IReadOnlyList<RawCase> Utf8 { get; } =
    [
        Valid("two bytes", [0xC3, 0xA4]),
        Valid("three bytes", [0xE2, 0x82, 0xAC]),
        Valid("four bytes", [0xF0, 0x9F, 0x98, 0x80]),
        Valid("U+0000", [0x00]),
        Valid("U+0080", [0xC2, 0x80]),
        Valid("U+0800", [0xE0, 0xA0, 0x80]),
        Valid("U+D7FF", [0xED, 0x9F, 0xBF]),
        Valid("U+E000", [0xEE, 0x80, 0x80]),
        Valid("U+FFFE", [0xEF, 0xBF, 0xBE]),
        Valid("U+10FFFF", [0xF4, 0x8F, 0xBF, 0xBF]),
        new("UTF-8 cut between two frames", "RFC 6455 §8.1", Join(Frame(Text, [0xE2, 0x82]), Frame(Fin | Continuation, [0xAC])), "text '\u00e2\u0082\u00ac' open"),
        Invalid("UTF-8 that begins in the middle", [0x80]),
        Invalid("UTF-8 cut at the message's end", [0xE2, 0x82]),
        Invalid("UTF-8 longer than need be: / in two bytes", [0xC0, 0xAF]),
        Invalid("UTF-8 longer than need be: / in three bytes", [0xE0, 0x80, 0xAF]),
        Invalid("UTF-8 longer than need be: U+FFFF in four bytes", [0xF0, 0x8F, 0xBF, 0xBF]),
        Invalid("UTF-8 of U+D800", [0xED, 0xA0, 0x80]),
        Invalid("UTF-8 of U+DFFF", [0xED, 0xBF, 0xBF]),
        Invalid("UTF-8 of U+110000", [0xF4, 0x90, 0x80, 0x80]),
        Invalid("UTF-8 of five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
        Invalid("the byte FE", [0xFE]),
        Invalid("the byte FF", [0xFF]),
        Invalid("UTF-8 whose second byte is ASCII", [0xC3, (byte)'a']),
        new("no UTF-8 in binary data", "RFC 6455 §5.6", Frame(Fin | Binary, [0xFF]), "binary '\u00ff' open"),
    ];

    private static RawCase Valid(string name, byte[] text) =>
        new("UTF-8 of " + name, "RFC 6455 §8.1", Frame(Fin | Text, text), $"text '{Encoding.Latin1.GetString(text)}' open");

    private static RawCase Invalid(string name, byte[] text) =>
        new(name, "RFC 6455 §8.1", Frame(Fin | Text, text), "close 1007 closed");
}

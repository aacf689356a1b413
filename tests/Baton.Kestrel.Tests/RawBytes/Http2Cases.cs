using static Baton.Kestrel.Tests.RawBytes.Http2Frame;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>
/// Frames and settings of HTTP/2 (RFC 9113 §3 to §6). <c>1: 200 'GET /' end</c> is what comes on stream 1; behind each
/// case the client sends a PING, and <c>open</c> says that it was answered.
/// </summary>
internal static class Http2Cases
{
    private static readonly byte[] s_get = Headers(1, Get("/"));
    private const string Answered = "1: 200 'GET /' end open";

    public static IReadOnlyList<RawCase> Beginnings { get; } =
    [
        new("a GET on stream 1", "RFC 9113 §3.4", Join(Hello, s_get), Answered),
        new("another preface", "RFC 9113 §3.4", "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("HTTP/1.1 to a port of HTTP/2", "RFC 9113 §3.4", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 closed"),
        new("a frame before SETTINGS", "RFC 9113 §3.4", Join(Preface, s_get), Answered, Note: "the clause wants SETTINGS first"),
        new("half a preface", "RFC 9113 §3.4", "PRI * HT", "GOAWAY 0 NO_ERROR closed or closed", CaseEnd.Fin),
        new("a frame of an unknown type", "RFC 9113 §5.5", Join(Hello, Raw(0x77, 0xFF, 0, [1, 2, 3]), s_get), Answered),
        new("a frame of 16,385 bytes", "RFC 9113 §4.2", Join(Hello, Headers(1, Post("/"), EndHeaders), Data(1, new string('a', 16_385))), "GOAWAY 1 FRAME_SIZE_ERROR closed"),
        new("a frame of 16,384 bytes", "RFC 9113 §4.2", Join(Hello, Headers(1, Post("/long"), EndHeaders), Data(1, new string('a', 16_384))), "1: 200 'POST /long 16384' end open"),
    ];

    public static IReadOnlyList<RawCase> SettingsAndPings { get; } =
    [
        new("settings that nobody knows", "RFC 9113 §6.5.2", Join(Preface, Settings((0x7777, 1)), s_get), Answered),
        new("SETTINGS on a stream", "RFC 9113 §6.5", Join(Hello, Raw(4, 0, 1, [])), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("SETTINGS of five bytes", "RFC 9113 §6.5", Join(Hello, Raw(4, 0, 0, new byte[5])), "GOAWAY 0 FRAME_SIZE_ERROR closed"),
        new("an acknowledgment with settings in it", "RFC 9113 §6.5", Join(Hello, Raw(4, Ack, 0, new byte[6])), "GOAWAY 0 FRAME_SIZE_ERROR closed"),
        new("an acknowledgment of nothing", "RFC 9113 §6.5.3", Join(Hello, Raw(4, Ack, 0, []), s_get), Answered),
        new("ENABLE_PUSH of 2", "RFC 9113 §6.5.2", Join(Hello, Settings((2, 2))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("an INITIAL_WINDOW_SIZE of 2^31", "RFC 9113 §6.5.2", Join(Hello, Settings((4, 1u << 31))), "GOAWAY 0 FLOW_CONTROL_ERROR closed"),
        new("a MAX_FRAME_SIZE of 16,383", "RFC 9113 §6.5.2", Join(Hello, Settings((5, 16_383))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("a MAX_FRAME_SIZE of 2^24", "RFC 9113 §6.5.2", Join(Hello, Settings((5, 1 << 24))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("a HEADER_TABLE_SIZE of 0", "RFC 7541 §4.2", Join(Preface, Settings((1, 0)), s_get), Answered),
        new("a PING", "RFC 9113 §6.7", Join(Hello, Ping("eight by")), "ping 'eight by' open"),
        new("a PING of seven bytes", "RFC 9113 §6.7", Join(Hello, Ping("7 bytes")), "GOAWAY 0 FRAME_SIZE_ERROR closed"),
        new("a PING on a stream", "RFC 9113 §6.7", Join(Hello, Raw(6, 0, 1, new byte[8])), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("an answer to no PING", "RFC 9113 §6.7", Join(Hello, Ping("eight by", Ack)), "open"),
        new("GOAWAY on a stream", "RFC 9113 §6.8", Join(Hello, Raw(7, 0, 1, new byte[8])), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("GOAWAY", "RFC 9113 §6.8", Join(Hello, GoAway(0, 0)), "GOAWAY 0 NO_ERROR closed", CaseEnd.Fin),
        new("GOAWAY behind a request", "RFC 9113 §6.8", Join(Hello, s_get, GoAway(0, 0)), "1: 200 'GET /' end GOAWAY 1 NO_ERROR closed", CaseEnd.Fin),
    ];

    public static IReadOnlyList<RawCase> FrameRules { get; } =
    [
        new("DATA on stream 0", "RFC 9113 §6.1", Join(Hello, Data(0, "a")), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("DATA on a stream that was not opened", "RFC 9113 §5.1", Join(Hello, Data(1, "a")), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("DATA behind the end of its stream", "RFC 9113 §5.1", Join(Hello, Headers(1, Post("/wait")), Data(1, "a")), "GOAWAY 1 STREAM_CLOSED closed"),
        new("DATA with padding", "RFC 9113 §6.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Raw(0, EndStream | Padded, 1, [2, (byte)'a', 0, 0])), "1: 200 'POST / a' end open"),
        new("DATA that is padding only", "RFC 9113 §6.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Raw(0, EndStream | Padded, 1, [2, 0, 0])), "1: 200 'POST /' end open"),
        new("DATA with more padding than there is", "RFC 9113 §6.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Raw(0, EndStream | Padded, 1, [2, 0])), "GOAWAY 1 PROTOCOL_ERROR closed"),
        new("HEADERS on stream 0", "RFC 9113 §6.2", Join(Hello, Headers(0, Get("/"))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("HEADERS with padding", "RFC 9113 §6.2", Join(Hello, Headers(1, [2, .. Get("/"), 0, 0], EndStream | EndHeaders | Padded)), Answered),
        new("HEADERS with more padding than there is", "RFC 9113 §6.2", Join(Hello, Headers(1, [200, .. Get("/")], EndStream | EndHeaders | Padded)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("HEADERS with a priority", "RFC 9113 §6.2", Join(Hello, Headers(1, [0, 0, 0, 0, 16, .. Get("/")], EndStream | EndHeaders | Priority)), Answered),
        new("HEADERS that depend on themselves", "RFC 9113 §5.3.1", Join(Hello, Headers(1, [0, 0, 0, 1, 16, .. Get("/")], EndStream | EndHeaders | Priority)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("PRIORITY", "RFC 9113 §6.3", Join(Hello, Raw(2, 0, 1, [0, 0, 0, 0, 16]), s_get), Answered),
        new("PRIORITY of four bytes", "RFC 9113 §6.3", Join(Hello, Raw(2, 0, 1, new byte[4])), "GOAWAY 0 FRAME_SIZE_ERROR closed", Note: "the clause says an error of the stream"),
        new("PRIORITY on stream 0", "RFC 9113 §6.3", Join(Hello, Raw(2, 0, 0, new byte[5])), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("RST_STREAM on stream 0", "RFC 9113 §6.4", Join(Hello, Reset(0, 8)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("RST_STREAM of a stream that was not opened", "RFC 9113 §6.4", Join(Hello, Reset(1, 8)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("RST_STREAM of three bytes", "RFC 9113 §6.4", Join(Hello, Headers(1, Post("/wait"), EndHeaders), Raw(3, 0, 1, new byte[3])), "GOAWAY 1 FRAME_SIZE_ERROR closed"),
        new("RST_STREAM of a request that runs", "RFC 9113 §6.4", Join(Hello, Headers(1, Post("/wait"), EndHeaders), Reset(1, 8), Headers(3, Get("/"))), "3: 200 'GET /' end open"),
        new("PUSH_PROMISE of a client", "RFC 9113 §8.4", Join(Hello, Raw(5, EndHeaders, 1, [0, 0, 0, 2])), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("HEADERS and CONTINUATION", "RFC 9113 §6.10", Join(Hello, Headers(1, Get("/")[..3], EndStream), Continuation(1, Get("/")[3..])), Answered),
        new("CONTINUATION in three parts", "RFC 9113 §6.10", Join(Hello, Headers(1, Get("/")[..2], EndStream), Continuation(1, Get("/")[2..4], 0), Continuation(1, Get("/")[4..])), Answered),
        new("CONTINUATION of nothing", "RFC 9113 §6.10", Join(Hello, Continuation(1, Get("/"))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("CONTINUATION on another stream", "RFC 9113 §6.10", Join(Hello, Headers(1, Get("/")[..3], EndStream), Continuation(3, Get("/")[3..])), "GOAWAY 1 PROTOCOL_ERROR closed"),
        new("a frame between HEADERS and CONTINUATION", "RFC 9113 §6.10", Join(Hello, Headers(1, Get("/")[..3], EndStream), Ping("eight by")), "GOAWAY 1 PROTOCOL_ERROR closed"),
        new("a stream of an even number", "RFC 9113 §5.1.1", Join(Hello, Headers(2, Get("/"))), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("a stream below the last", "RFC 9113 §5.1.1", Join(Hello, Headers(3, Post("/wait"), EndHeaders), Headers(1, Get("/"))), "GOAWAY 3 STREAM_CLOSED closed", Note: "the clause says PROTOCOL_ERROR"),
        new("HEADERS again behind the end of their stream", "RFC 9113 §5.1", Join(Hello, Headers(1, Get("/wait")), Headers(1, Get("/"))), "GOAWAY 1 STREAM_CLOSED closed"),
    ];
}

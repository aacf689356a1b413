using static Baton.Kestrel.Tests.RawBytes.Http2Frame;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>Requests, field compression and flow control of HTTP/2 (RFC 9113 §5.2, §8; RFC 7541).</summary>
internal static class Http2RequestCases
{
    private const string Refused = "1: PROTOCOL_ERROR open";

    // The clauses let a stream's error be one of its connection (§5.4).
    private const string Ended = "GOAWAY 1 PROTOCOL_ERROR closed";

    public static IReadOnlyList<RawCase> Requests { get; } =
    [
        new("a POST in two frames", "RFC 9113 §8.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Data(1, "one ", 0), Data(1, "two")), "1: 200 'POST / one two' end open"),
        new("a POST with trailers", "RFC 9113 §8.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Data(1, "one", 0), Headers(1, Field("b", "c"))), "1: 200 'POST / one b=c' end open"),
        new("two streams at once", "RFC 9113 §5.1.2", Join(Hello, Headers(1, Post("/"), EndHeaders), Headers(3, Post("/"), EndHeaders), Data(3, "three"), Data(1, "one")), "1: 200 'POST / one' end 3: 200 'POST / three' end open"),
        new("an answer with trailers", "RFC 9113 §8.1", Join(Hello, Headers(1, Get("/trailers"))), "1: 200 'body' trailers end open"),
        new("an answer without a body", "RFC 9113 §8.1", Join(Hello, Headers(1, Get("/nothing"))), "1: 204 end open"),
        new("an application that fails", "RFC 9113 §8.1.1", Join(Hello, Headers(1, Get("/fail"))), "1: 500 end open"),
        new("no :method", "RFC 9113 §8.3.1", Join(Hello, Headers(1, [0x86, .. Path("/"), .. Authority])), Refused),
        new("no :path", "RFC 9113 §8.3.1", Join(Hello, Headers(1, [0x82, 0x86, .. Authority])), Refused),
        new("no :scheme", "RFC 9113 §8.3.1", Join(Hello, Headers(1, [0x82, .. Path("/"), .. Authority])), Refused),
        new("an empty :path", "RFC 9113 §8.3.1", Join(Hello, Headers(1, [0x82, 0x86, .. Path(""), .. Authority])), Refused),
        new(":method twice", "RFC 9113 §8.3.1", Join(Hello, Headers(1, [0x82, .. Get("/")])), Ended),
        new(":status in a request", "RFC 9113 §8.3", Join(Hello, Headers(1, [.. Get("/"), 0x88])), Ended),
        new("a pseudo-field of no specification", "RFC 9113 §8.3", Join(Hello, Headers(1, [.. Get("/"), .. Field(":b", "c")])), Ended),
        new("a pseudo-field behind a field", "RFC 9113 §8.3", Join(Hello, Headers(1, [0x82, 0x86, .. Field("b", "c"), .. Path("/"), .. Authority])), Ended),
        new("a pseudo-field in the trailers", "RFC 9113 §8.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Headers(1, [0x82])), Ended),
        new("trailers that do not end the stream", "RFC 9113 §8.1", Join(Hello, Headers(1, Post("/"), EndHeaders), Headers(1, Field("b", "c"), EndHeaders)), "GOAWAY 1 PROTOCOL_ERROR closed", Note: "the clause says an error of the stream"),
        new("a name in capital letters", "RFC 9113 §8.2.1", Join(Hello, Headers(1, [.. Get("/"), .. Field("B", "c")])), Ended),
        new("a field of HTTP/1.1's connection", "RFC 9113 §8.2.2", Join(Hello, Headers(1, [.. Get("/"), .. Field("connection", "close")])), Ended),
        new("te: trailers", "RFC 9113 §8.2.2", Join(Hello, Headers(1, [.. Get("/"), .. Field("te", "trailers")])), "1: 200 'GET /' end open"),
        new("te: gzip", "RFC 9113 §8.2.2", Join(Hello, Headers(1, [.. Get("/"), .. Field("te", "gzip")])), Ended),
        new("a body shorter than its length", "RFC 9113 §8.1.1", Join(Hello, Headers(1, [.. Post("/"), .. Field("content-length", "5")], EndHeaders), Data(1, "hel")), Refused),
        new("a body longer than its length", "RFC 9113 §8.1.1", Join(Hello, Headers(1, [.. Post("/"), .. Field("content-length", "2")], EndHeaders), Data(1, "hel")), Refused),
        new("a 101st stream", "RFC 9113 §5.1.2", Join([Hello, .. Enumerable.Range(0, 100).Select(i => Headers(2 * i + 1, Post("/wait"), EndHeaders)), Headers(201, Get("/"))]), "201: REFUSED_STREAM open"),
    ];

    public static IReadOnlyList<RawCase> Compression { get; } =
    [
        new("an index of 0", "RFC 7541 §6.1", Join(Hello, Headers(1, [0x80])), "GOAWAY 1 INTERNAL_ERROR closed", Note: "the clause says COMPRESSION_ERROR"),
        new("an index beyond the tables", "RFC 7541 §2.3.3", Join(Hello, Headers(1, [.. Get("/"), 0xFE])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a number of too many bytes", "RFC 7541 §5.1", Join(Hello, Headers(1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a string longer than its block", "RFC 7541 §5.2", Join(Hello, Headers(1, [.. Get("/"), 0, 100, (byte)'b'])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a Huffman code of EOS", "RFC 7541 §5.2", Join(Hello, Headers(1, [.. Get("/"), 0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, (byte)'c'])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a Huffman code with long padding", "RFC 7541 §5.2", Join(Hello, Headers(1, [.. Get("/"), 0, 1, (byte)'b', 0x82, 0x1F, 0xFF])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a Huffman code", "RFC 7541 §5.2", Join(Hello, Headers(1, [0x82, 0x86, 0x84, .. Authority, 0, 1, (byte)'b', 0x81, 0x1F])), "1: 200 'GET /' end open"),
        new("a smaller dynamic table", "RFC 7541 §6.3", Join(Hello, Headers(1, [0x20, .. Get("/")])), "1: 200 'GET /' end open"),
        new("a dynamic table beyond what is allowed", "RFC 7541 §6.3", Join(Hello, Headers(1, [0x3F, 0xE2, 0x1F, .. Get("/")])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a change of the table behind a field", "RFC 7541 §4.2", Join(Hello, Headers(1, [.. Get("/"), 0x20])), "GOAWAY 1 COMPRESSION_ERROR closed"),
        new("a field of the dynamic table", "RFC 7541 §6.2.1", Join(Hello, Headers(1, [0x82, 0x86, 0x44, 2, (byte)'/', (byte)'b', .. Authority]), Headers(3, [0x82, 0x86, 0xBE, .. Authority])), "1: 200 'GET /b' end 3: 200 'GET /b' end open"),
        new("fields beyond 32 KiB", "RFC 9113 §10.5.1", Join(Hello, Headers(1, [.. Get("/"), .. Long(9_000)], EndStream), Continuation(1, Long(12_000), 0), Continuation(1, Long(12_000), 0), Continuation(1, Long(12_000))), "1: 431 end open"),
    ];

    public static IReadOnlyList<RawCase> FlowControl { get; } =
    [
        new("a window of 5", "RFC 9113 §6.9.2", Join(Preface, Settings((4, 5)), Headers(1, Get("/"))), "1: 200 'GET /' end open"),
        new("a window of 3", "RFC 9113 §6.9.2", Join(Preface, Settings((4, 3)), Headers(1, Get("/"))), "1: 200 'GET' open"),
        new("a window of 3, then 1 more", "RFC 9113 §6.9", Join(Preface, Settings((4, 3)), Headers(1, Get("/")), Window(1, 1)), "1: 200 'GET ' open"),
        new("WINDOW_UPDATE of 0 for the connection", "RFC 9113 §6.9", Join(Hello, Window(0, 0)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("WINDOW_UPDATE of 0 for a stream", "RFC 9113 §6.9", Join(Hello, Headers(1, Post("/wait"), EndHeaders), Window(1, 0)), Ended),
        new("WINDOW_UPDATE of three bytes", "RFC 9113 §6.9", Join(Hello, Raw(8, 0, 0, new byte[3])), "GOAWAY 0 FRAME_SIZE_ERROR closed"),
        new("WINDOW_UPDATE of a stream that was not opened", "RFC 9113 §5.1", Join(Hello, Window(1, 1)), "GOAWAY 0 PROTOCOL_ERROR closed"),
        new("WINDOW_UPDATE behind the end of its stream", "RFC 9113 §5.1", Join(Hello, Headers(1, Get("/")), Window(1, 1)), "1: 200 'GET /' end open"),
        new("a connection's window beyond 2^31-1", "RFC 9113 §6.9.1", Join(Hello, Window(0, int.MaxValue)), "GOAWAY 0 FLOW_CONTROL_ERROR closed"),
        new("a stream's window beyond 2^31-1", "RFC 9113 §6.9.1", Join(Hello, Headers(1, Post("/wait"), EndHeaders), Window(1, int.MaxValue)), "1: FLOW_CONTROL_ERROR open"),
        new("a stream's window made larger than 2^31-1 by SETTINGS", "RFC 9113 §6.9.2", Join(Hello, Headers(1, Post("/wait"), EndHeaders), Window(1, int.MaxValue - 65_535), Settings((4, 65_536))), "GOAWAY 1 FLOW_CONTROL_ERROR closed"),
        new("more than the stream's window", "RFC 9113 §6.9.1", Join([Hello, Headers(1, Post("/wait"), EndHeaders), .. Enumerable.Repeat(Data(1, new string('a', 16_384), 0), 49)]), "GOAWAY 1 FLOW_CONTROL_ERROR closed"),
    ];

    private static byte[] Long(int length) => [0, 1, (byte)'b', 0x7F, (byte)(0x80 | (length - 127) & 0x7F), (byte)((length - 127) >> 7), .. Enumerable.Repeat((byte)'c', length)];
}

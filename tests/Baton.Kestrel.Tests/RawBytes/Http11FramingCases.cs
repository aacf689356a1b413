namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>Bodies, connections and ends of HTTP/1.1 (RFC 9112 §6 to §9).</summary>
internal static class Http11FramingCases
{
    private const string Chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

    public static IReadOnlyList<RawCase> Lengths { get; } =
    [
        new("a length", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "200 [POST / 'hello'] open"),
        new("a length of 0", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "200 [POST / ''] open"),
        new("a length with zeros before it", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello", "200 [POST / 'hello'] open"),
        new("a body behind GET", "RFC 9110 §9.3.1", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "200 [GET / 'hello'] open"),
        new("POST without a length", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "200 [POST / ''] open"),
        new("POST of HTTP/1.0 without a length", "RFC 9112 §6.3", "POST / HTTP/1.0\r\n\r\n", "400 closed"),
        new("a length with a sign", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", "200 [POST / 'hello'] open", note: "the clause knows digits only"),
        new("a length below 0", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello", "400 closed"),
        new("a length in hex", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", "400 closed"),
        new("an empty length", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello", "400 closed"),
        new("a length with a blank inside", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello", "400 closed"),
        new("two lengths in one field", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", "400 closed"),
        new("the same length twice", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400 closed"),
        new("two lengths", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 closed"),
        new("a length beyond what is allowed", "RFC 9110 §15.5.14", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000001\r\n\r\n", "413 closed"),
        new("a length of 2^63", "RFC 9112 §6.2", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", "400 closed"),
        new("a length and chunks", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200 [POST / 'hello'] closed"),
    ];

    public static IReadOnlyList<RawCase> Codings { get; } =
    [
        new("chunks", "RFC 9112 §7.1", Chunked + "5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n", "200 [POST / 'hello there'] open"),
        new("no chunk but the last", "RFC 9112 §7.1", Chunked + "0\r\n\r\n", "200 [POST / ''] open"),
        new("chunks in another case", "RFC 9112 §7", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "200 [POST / ''] open"),
        new("a coding before chunked", "RFC 9112 §6.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "200 [POST / ''] open", note: "the application gets the coded body; the clause wants 501 where it is not understood"),
        new("a coding behind chunked", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 closed"),
        new("a coding that is not chunked", "RFC 9112 §6.3", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "400 closed"),
        new("the coding identity", "RFC 9112 §7", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "400 closed"),
        new("chunked with a letter before it", "RFC 9112 §6.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 closed"),
        new("chunked with a parameter", "RFC 9112 §7", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", "400 closed"),
        new("chunks of HTTP/1.0", "RFC 9112 §6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200 [POST / 'hello'] closed"),
        new("a size in capital letters", "RFC 9112 §7.1", Chunked + "B\r\nhello there\r\n0\r\n\r\n", "200 [POST / 'hello there'] open"),
        new("a size in small letters", "RFC 9112 §7.1", Chunked + "b\r\nhello there\r\n0\r\n\r\n", "200 [POST / 'hello there'] open"),
        new("a size with zeros before it", "RFC 9112 §7.1", Chunked + "0005\r\nhello\r\n0\r\n\r\n", "200 [POST / 'hello'] open"),
        new("a last chunk of several zeros", "RFC 9112 §7.1", Chunked + "5\r\nhello\r\n000\r\n\r\n", "200 [POST / 'hello'] open"),
        new("an extension of a chunk", "RFC 9112 §7.1.1", Chunked + "5;a=b\r\nhello\r\n0\r\n\r\n", "200 [POST / 'hello'] open"),
        new("an extension in quotes", "RFC 9112 §7.1.1", Chunked + "5;a=\"b;c\"\r\nhello\r\n0;d\r\n\r\n", "200 [POST / 'hello'] open"),
        new("an extension that ends in LF alone", "RFC 9112 §7.1.1", Chunked + "5;a\nhello\r\n0\r\n\r\n", "400 closed"),
        new("a size that ends in LF alone", "RFC 9112 §7.1", Chunked + "5\nhello\r\n0\r\n\r\n", "400 closed"),
        new("no size", "RFC 9112 §7.1", Chunked + "\r\nhello\r\n0\r\n\r\n", "400 closed"),
        new("a size that is none", "RFC 9112 §7.1", Chunked + "g\r\nhello\r\n0\r\n\r\n", "400 closed"),
        new("a size with 0x", "RFC 9112 §7.1", Chunked + "0x5\r\nhello\r\n0\r\n\r\n", "400 closed"),
        new("a size below 0", "RFC 9112 §7.1", Chunked + "-5\r\nhello\r\n0\r\n\r\n", "400 closed"),
        new("a size of 2^36", "RFC 9112 §7.1", Chunked + "1000000000\r\nhello\r\n0\r\n\r\n", "500 closed", note: "the number overflows in the application's read"),
        new("a chunk longer than its size", "RFC 9112 §7.1", Chunked + "5\r\nhello there\r\n0\r\n\r\n", "400 closed"),
        new("no CR behind a chunk", "RFC 9112 §7.1", Chunked + "5\r\nhello\n0\r\n\r\n", "400 closed"),
        new("a trailer", "RFC 9112 §7.1.2", Chunked + "5\r\nhello\r\n0\r\nB: c\r\n\r\n", "200 [POST / 'hello' B=c] open"),
        new("a trailer without a colon", "RFC 9112 §7.1.2", Chunked + "5\r\nhello\r\n0\r\nB\r\n\r\n", "400 closed"),
        new("a trailer with a space before its colon", "RFC 9112 §5.1", Chunked + "5\r\nhello\r\n0\r\nB : c\r\n\r\n", "400 closed"),
    ];

    public static IReadOnlyList<RawCase> Connections { get; } =
    [
        new("HEAD", "RFC 9110 §9.3.2", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "200 open"),
        new("three at once", "RFC 9112 §9.3.2", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /1 ''] 200 [GET /2 ''] 200 [GET /3 ''] open"),
        new("the second of two is bad", "RFC 9112 §9.3.2", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET\r\n\r\n", "200 [GET /1 ''] 400 closed"),
        new("a request behind a body", "RFC 9112 §6.3", "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [POST /1 'hello'] 200 [GET /2 ''] open"),
        new("a request behind chunks", "RFC 9112 §7.1", Chunked + "5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [POST / 'hello'] 200 [GET /2 ''] open"),
        new("a body that the application does not read", "RFC 9112 §9.3", "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [unread] 200 [GET /2 ''] open"),
        new("chunks that the application does not read", "RFC 9112 §9.3", "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [unread] 200 [GET /2 ''] open"),
        new("bad chunks that the application does not read", "RFC 9112 §9.3", "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n", "200 [unread] closed"),
        new("Connection: close", "RFC 9112 §9.6", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200 [GET / ''] closed"),
        new("close among other options", "RFC 9112 §9.6", "GET / HTTP/1.1\r\nHost: a\r\nConnection: b, Close\r\n\r\n", "200 [GET / ''] closed"),
        new("what follows a close is not answered", "RFC 9112 §9.6", "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /1 ''] closed"),
        new("Expect: 100-continue", "RFC 9110 §10.1.1", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "200 [POST / 'hello'] open"),
        new("Expect without a body", "RFC 9110 §10.1.1", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "200 [GET / ''] open"),
        new("Expect of HTTP/1.0", "RFC 9110 §10.1.1", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "200 [POST / 'hello'] closed"),
        new("an application that fails", "RFC 9110 §15.6.1", "GET /fail HTTP/1.1\r\nHost: a\r\n\r\n", "500 open"),
        new("no content", "RFC 9110 §15.3.5", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "204 open"),
        new("an answer in chunks", "RFC 9112 §7.1", "GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n", "200 [one] [two] open"),
        new("an answer in chunks to HTTP/1.0", "RFC 9112 §6.1", "GET /chunks HTTP/1.0\r\n\r\n", "200 [one] [two] closed"),
    ];

    // Kestrel answers half a head only if it sees the end before it sees that the connection is closing.
    private const string BadOrNothing = "400 closed or closed";

    public static IReadOnlyList<RawCase> Ends { get; } =
    [
        new("nothing", "RFC 9112 §9.5", "", "closed", CaseEnd.Fin),
        new("half a request line", "RFC 9112 §8", "GET / HT", BadOrNothing, CaseEnd.Fin),
        new("half a field", "RFC 9112 §8", "GET / HTTP/1.1\r\nHos", BadOrNothing, CaseEnd.Fin),
        new("a head without its end", "RFC 9112 §8", "GET / HTTP/1.1\r\nHost: a\r\n", BadOrNothing, CaseEnd.Fin),
        new("half a body", "RFC 9112 §8", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", "closed", CaseEnd.Fin),
        new("half a chunk", "RFC 9112 §8", Chunked + "5\r\nhel", "closed", CaseEnd.Fin),
        new("half a size", "RFC 9112 §8", Chunked + "5", "closed", CaseEnd.Fin),
        new("chunks without their last", "RFC 9112 §8", Chunked + "5\r\nhello\r\n", "closed", CaseEnd.Fin),
    ];
}

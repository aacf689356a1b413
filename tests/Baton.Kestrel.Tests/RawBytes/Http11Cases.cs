namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>
/// Request lines and fields (RFC 9112, RFC 9110). The application answers <c>[METHOD path body]</c>; behind each case
/// the client asks once more, and <c>open</c> says that this was answered.
/// </summary>
internal static class Http11Cases
{
    private static readonly string s_a4000 = new('a', 4000);

    public static IReadOnlyList<RawCase> RequestLines { get; } =
    [
        new("a request", "RFC 9112 §3", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET / ''] open"),
        new("an empty line before it", "RFC 9112 §2.2", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET / ''] open"),
        new("lines end in LF alone", "RFC 9112 §2.2", "GET / HTTP/1.1\nHost: a\n\n", "200 [GET / ''] open"),
        new("a method of the client's own", "RFC 9110 §9.1", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "200 [BREW / ''] open"),
        new("a method in small letters is another", "RFC 9110 §9.1", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "200 [get / ''] open"),
        new("a method that is no token", "RFC 9110 §5.6.2", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("no method", "RFC 9112 §3", " / HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("no target", "RFC 9112 §3", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("no version", "RFC 9112 §2.3", "GET /\r\nHost: a\r\n\r\n", "400 closed"),
        new("two spaces before the target", "RFC 9112 §3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("a tab between method and target", "RFC 9112 §3", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("a space behind the version", "RFC 9112 §3", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 closed"),
        new("CR alone in the line", "RFC 9112 §2.2", "GET /\rHTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET / ''] open", note: "CR is taken for a space, as the clause allows"),
        new("the version in small letters", "RFC 9112 §2.3", "GET / http/1.1\r\nHost: a\r\n\r\n", "505 closed"),
        new("HTTP/1.0 closes", "RFC 9112 §9.3", "GET / HTTP/1.0\r\n\r\n", "200 [GET / ''] closed"),
        new("HTTP/1.0 asks to stay", "RFC 9112 §9.3", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 [GET / ''] open"),
        new("HTTP/1.2", "RFC 9110 §2.5", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505 closed"),
        new("HTTP/2.0 in words", "RFC 9110 §2.5", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 closed"),
        new("HTTP/1.10", "RFC 9112 §2.3", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400 closed"),
        new("the preface of HTTP/2", "RFC 9113 §3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "closed", note: "the answer is a GOAWAY of HTTP/2"),
        new("a record of TLS", "RFC 8446 §5.1", "\u0016\u0003\u0001\u0000\u0004\u0001\u0000\u0000\u0000\r\n\r\n", "400 closed"),
        new("bytes of no protocol", "RFC 9112 §3", "\u00ff\u00fe\u00fd\u00fc\r\n\r\n", "400 closed"),
    ];

    public static IReadOnlyList<RawCase> Targets { get; } =
    [
        new("absolute form", "RFC 9112 §3.2.2", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /b ''] open"),
        new("absolute form and another host", "RFC 9112 §3.2.2", "GET http://a/b HTTP/1.1\r\nHost: c\r\n\r\n", "400 closed"),
        new("authority form", "RFC 9112 §3.2.3", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "501 [CONNECT] open"),
        new("CONNECT to a path", "RFC 9112 §3.2.3", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", "501 [CONNECT] open", note: "the application sees the path"),
        new("authority form without CONNECT", "RFC 9112 §3.2.3", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "405 closed"),
        new("asterisk form", "RFC 9112 §3.2.4", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "200 [OPTIONS  ''] open"),
        new("an asterisk without OPTIONS", "RFC 9112 §3.2.4", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "405 closed"),
        new("a target without its slash", "RFC 9112 §3.2", "GET b HTTP/1.1\r\nHost: a\r\n\r\n", "405 closed"),
        new("a space in the target", "RFC 9112 §3.2", "GET /b c HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("a query", "RFC 9112 §3.2.1", "GET /b?c=d&e HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /b?c=d&e ''] open"),
        new("escapes in the path", "RFC 3986 §2.1", "GET /%62%20c HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /b c ''] open"),
        new("an escaped slash stays one", "RFC 3986 §2.2", "GET /b%2Fc HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /b%2Fc ''] open"),
        new("an escape that is none", "RFC 3986 §2.1", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /%zz ''] open"),
        new("an escaped NUL", "RFC 3986 §7.3", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("a NUL", "RFC 9112 §3.2", "GET /\u0000 HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("bytes beyond ASCII in the path", "RFC 9112 §3.2", "GET /\u00e4 HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        new("dot segments", "RFC 3986 §5.2.4", "GET /b/../c/./d HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /c/d ''] open"),
        new("dot segments beyond the root", "RFC 3986 §5.2.4", "GET /../../b HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET /b ''] open"),
        new("a target of 4,000 bytes", "RFC 9112 §3", $"GET /{s_a4000} HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET (4001) ''] open"),
        new("a target of 8,000 bytes", "RFC 9112 §3", $"GET /{s_a4000}{s_a4000} HTTP/1.1\r\nHost: a\r\n\r\n", "200 [GET (8001) ''] open"),
        new("a target beyond 8 KiB", "RFC 9112 §3", $"GET /{s_a4000}{s_a4000}{s_a4000} HTTP/1.1\r\nHost: a\r\n\r\n", "414 closed"),
    ];

    public static IReadOnlyList<RawCase> Hosts { get; } =
    [
        new("no Host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\n\r\n", "400 closed"),
        new("two of Host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 closed"),
        new("an empty Host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "200 [GET / ''] open"),
        new("a host with its port", "RFC 9110 §7.2", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "200 [GET / ''] open"),
        new("a port that is no number", "RFC 9110 §7.2", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 closed"),
        new("an address of IPv6", "RFC 3986 §3.2.2", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "200 [GET / ''] open"),
        new("half an address of IPv6", "RFC 3986 §3.2.2", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 closed"),
        new("a user in the host", "RFC 9110 §4.2.4", "GET / HTTP/1.1\r\nHost: b@a\r\n\r\n", "400 closed"),
        new("a comma in the host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 closed"),
        new("a path in the host", "RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 closed"),
    ];

    public static IReadOnlyList<RawCase> Fields { get; } =
    [
        new("no space behind the colon", "RFC 9112 §5", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", "200 [GET / ''] open"),
        new("blanks around the value", "RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n", "200 [GET / ''] open"),
        new("a space before the colon", "RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost: a\r\nB : c\r\n\r\n", "400 closed"),
        new("a tab before the colon", "RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost: a\r\nB\t: c\r\n\r\n", "400 closed"),
        new("a field without a name", "RFC 9110 §5.1", "GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n", "400 closed"),
        new("a field without a colon", "RFC 9112 §5", "GET / HTTP/1.1\r\nHost: a\r\nB\r\n\r\n", "400 closed"),
        new("a name that is no token", "RFC 9110 §5.6.2", "GET / HTTP/1.1\r\nHost: a\r\nB(c: d\r\n\r\n", "200 [GET / ''] open", note: "the clause does not know such a name"),
        new("a name beyond ASCII", "RFC 9110 §5.6.2", "GET / HTTP/1.1\r\nHost: a\r\nB\u00e4: d\r\n\r\n", "400 closed"),
        new("an empty value", "RFC 9110 §5.5", "GET / HTTP/1.1\r\nHost: a\r\nB:\r\n\r\n", "200 [GET / ''] open"),
        new("a value of the bytes 80 to FF", "RFC 9110 §5.5", "GET / HTTP/1.1\r\nHost: a\r\nB: \u00c3\u00a4\r\n\r\n", "200 [GET / ''] open"),
        new("a value that is no UTF-8", "RFC 9110 §5.5", "GET / HTTP/1.1\r\nHost: a\r\nB: \u00ff\u00fe\r\n\r\n", "400 closed"),
        new("a NUL in the value", "RFC 9110 §5.5", "GET / HTTP/1.1\r\nHost: a\r\nB: c\u0000d\r\n\r\n", "400 closed"),
        new("CR alone in the value", "RFC 9112 §2.2", "GET / HTTP/1.1\r\nHost: a\r\nB: c\rd\r\n\r\n", "400 closed"),
        new("a folded line", "RFC 9112 §5.2", "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n d\r\n\r\n", "400 closed"),
        new("a blank before the first field", "RFC 9112 §2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 closed"),
        new("one line ends in LF alone", "RFC 9112 §2.2", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", "200 [GET / ''] open"),
        new("the same field twice", "RFC 9110 §5.3", "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nB: d\r\n\r\n", "200 [GET / ''] open"),
        new("100 fields", "RFC 6585 §5", $"GET / HTTP/1.1\r\nHost: a\r\n{Repeat(99)}\r\n", "200 [GET / ''] open"),
        new("101 fields", "RFC 6585 §5", $"GET / HTTP/1.1\r\nHost: a\r\n{Repeat(100)}\r\n", "431 closed"),
        new("fields of 28,000 bytes", "RFC 6585 §5", $"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Repeat($"B: {s_a4000}\r\n", 7))}\r\n", "200 [GET / ''] open"),
        new("fields beyond 32 KiB", "RFC 6585 §5", $"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Repeat($"B: {s_a4000}\r\n", 9))}\r\n", "431 closed"),
        new("one field beyond 32 KiB", "RFC 6585 §5", $"GET / HTTP/1.1\r\nHost: a\r\nB: {string.Concat(Enumerable.Repeat(s_a4000, 9))}\r\n\r\n", "431 closed"),
        new("Upgrade to what is not known", "RFC 9110 §7.8", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: b\r\n\r\n", "200 [GET / ''] open"),
    ];

    private static string Repeat(int fields) => string.Concat(Enumerable.Range(0, fields).Select(i => $"B{i}: c\r\n"));
}

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>The opening handshake of a WebSocket (RFC 6455 §4.2).</summary>
internal static class HandshakeCases
{
    /// <summary>A handshake as it should be; the key and the answer are those of §1.3.</summary>
    public const string Good = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    public static IReadOnlyList<RawCase> All { get; } =
    [
        new("Upgrade among other options", "RFC 6455 §4.2.1", Good.Replace("Connection: ", "Connection: keep-alive, ", StringComparison.Ordinal), "101 closed", CaseEnd.Fin),
        new("Upgrade in other letters", "RFC 6455 §4.2.1", Good.Replace("websocket", "WebSocket", StringComparison.Ordinal), "101 closed", CaseEnd.Fin),
        new("no Connection", "RFC 6455 §4.2.1", Good.Replace("Connection: Upgrade\r\n", "", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("no Upgrade", "RFC 6455 §4.2.1", Good.Replace("Upgrade: websocket\r\n", "", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("no key", "RFC 6455 §4.2.1", Good.Replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("a key of 15 bytes", "RFC 6455 §4.2.1", Good.Replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("version 8", "RFC 6455 §4.2.2", Good.Replace("13", "8", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("a handshake by POST", "RFC 6455 §4.1", Good.Replace("GET", "POST", StringComparison.Ordinal), "200 [no upgrade] open"),
        new("a handshake of HTTP/1.0", "RFC 6455 §4.1", Good.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal), "101 closed", CaseEnd.Fin, "the clause wants HTTP/1.1"),
    ];
}

namespace Baton.Tls;

/// <summary>What a record carries (RFC 8446 §5.1).</summary>
public enum ContentType : byte
{
    /// <summary>Nothing that is defined.</summary>
    Invalid = 0,

    /// <summary>For middleboxes only; no part of TLS 1.3 (RFC 8446 §D.4).</summary>
    ChangeCipherSpec = 20,

    /// <summary>An alert.</summary>
    Alert = 21,

    /// <summary>A handshake message.</summary>
    Handshake = 22,

    /// <summary>The application's bytes, and every protected record by its outer type.</summary>
    ApplicationData = 23,
}

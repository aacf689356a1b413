namespace Baton.Tls;

/// <summary>What an alert says (RFC 8446 §6, RFC 7301 §3.2): those that a record layer sends, and those it tells apart.</summary>
public enum AlertDescription : byte
{
    /// <summary>The sender sends no more (§6.1).</summary>
    CloseNotify = 0,

    /// <summary>A message that may not come here.</summary>
    UnexpectedMessage = 10,

    /// <summary>A record that cannot be opened.</summary>
    BadRecordMac = 20,

    /// <summary>A record that is too long.</summary>
    RecordOverflow = 22,

    /// <summary>No set of parameters suits both.</summary>
    HandshakeFailure = 40,

    /// <summary>A certificate is damaged or refused.</summary>
    BadCertificate = 42,

    /// <summary>A field is out of its range.</summary>
    IllegalParameter = 47,

    /// <summary>A message has another length than its fields.</summary>
    DecodeError = 50,

    /// <summary>Something that is no fault of the peer.</summary>
    InternalError = 80,

    /// <summary>The handshake is given up; a close follows (§6.1).</summary>
    UserCanceled = 90,

    /// <summary>A client certificate was asked for and none came.</summary>
    CertificateRequired = 116,

    /// <summary>No application protocol suits both.</summary>
    NoApplicationProtocol = 120,
}

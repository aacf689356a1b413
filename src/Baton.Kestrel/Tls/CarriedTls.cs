using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>TLS of a connection that moves.</summary>
/// <param name="State">Keys, record numbers and what the handshake has found out.</param>
/// <param name="Unread">Bytes of the client that were opened and not used.</param>
internal sealed record CarriedTls(TlsState State, byte[] Unread);

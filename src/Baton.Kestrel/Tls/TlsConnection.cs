using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>TLS of one connection: the application's bytes above, records below.</summary>
internal sealed class TlsConnection : IDuplexPipe, IDisposable
{
    private readonly TlsRecords _records;

    private TlsConnection(IDuplexPipe raw, TlsRecords records, TlsFacts facts, ReadOnlyMemory<byte> unread, MemoryPool<byte> pool)
    {
        _records = records;
        Facts = facts;
        Output = new TlsOutput(raw.Output, records, pool);
        Input = new TlsInput(raw.Input, records, Output, unread, pool);
    }

    /// <summary>What the handshake has found out.</summary>
    public TlsFacts Facts { get; }

    /// <summary>The client's bytes.</summary>
    public TlsInput Input { get; }

    /// <summary>The application's bytes.</summary>
    public TlsOutput Output { get; }

    /// <summary>Whether it can go on at another node.</summary>
    public bool CanMove => _records is Tls13Records;

    /// <summary>Whether it can go on at another node now: it cannot once it was closed.</summary>
    public bool CanLeave => CanMove && !Output.HasEnded;

    PipeReader IDuplexPipe.Input => Input;

    PipeWriter IDuplexPipe.Output => Output;

    /// <summary>Goes on after a handshake.</summary>
    public static TlsConnection Begin(
        IDuplexPipe raw, TlsHandshake handshake, string host, MemoryPool<byte> pool, out IReadOnlyList<X509Certificate2> certificates)
    {
        certificates = [.. handshake.ClientCertificates().Select(X509CertificateLoader.LoadCertificate)];
        var facts = new TlsFacts(handshake.IsTls13, handshake.Suite, handshake.Protocol, host, certificates.Count > 0 ? certificates[0] : null);
        TlsRecords records;
        if (handshake.IsTls13)
        {
            var state = handshake.TakeSession();
            records = new Tls13Records(state);
            state.Wipe();
        }
        else
        {
            records = new OpenSslRecords(handshake.TakeConnection());
        }

        return new TlsConnection(raw, records, facts, default, pool);
    }

    /// <summary>Goes on where the last node stopped.</summary>
    public static TlsConnection Resume(IDuplexPipe raw, CarriedTls carried, MemoryPool<byte> pool)
    {
        var state = carried.State;
        var records = new Tls13Records(state.Session);
        state.Session.Wipe();
        var certificate = state.ClientCertificate.IsEmpty ? null : X509CertificateLoader.LoadCertificate(state.ClientCertificate.Span);
        var facts = new TlsFacts(true, state.Session.Suite.Code, state.Protocol, state.ServerName, certificate);
        return new TlsConnection(raw, records, facts, carried.Unread, pool);
    }

    /// <summary>
    /// Takes all away for the next node. From here on nothing can be protected by this object, so that no record number is
    /// used twice.
    /// </summary>
    /// <param name="unread">The client's bytes that were opened and not used.</param>
    public CarriedTls Leave(byte[] unread) => new(
        new TlsState(
            ((Tls13Records)_records).Leave(), Facts.Protocol, Facts.HostName, Facts.ClientCertificate?.RawDataMemory ?? default),
        unread);

    /// <inheritdoc/>
    public void Dispose() => _records.Dispose();
}

namespace Baton.Tls.Tests;

/// <summary>Two ends with the same secrets, crosswise.</summary>
internal sealed class SessionPair : IDisposable
{
    private readonly byte[] _record = new byte[RecordFormat.MaxProtected + RecordFormat.HeaderLength + TlsSession.MaxOverhead];
    private readonly byte[] _plain = new byte[RecordFormat.MaxProtected + RecordFormat.HeaderLength];

    public SessionPair(CipherSuite suite, ulong recordsPerKey = RecordWriter.RecordsPerKey)
    {
        Suite = suite;
        byte[] one = Secret(suite, 1), two = Secret(suite, 2);
        Client = new TlsSession(new SessionState(suite, new(one, 0), new(two, 0)), recordsPerKey);
        Server = new TlsSession(new SessionState(suite, new(two, 0), new(one, 0)), recordsPerKey);
        ClientRaw = new RecordWriter(suite, new(two, 0), ulong.MaxValue);
    }

    public static TheoryData<string> Suites => ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

    public CipherSuite Suite { get; }

    public TlsSession Client { get; }

    public TlsSession Server { get; set; }

    /// <summary>Writes records of any type in the client's place.</summary>
    public RecordWriter ClientRaw { get; }

    public static CipherSuite Named(string name) =>
        new[] { CipherSuite.Aes128GcmSha256, CipherSuite.Aes256GcmSha384, CipherSuite.ChaCha20Poly1305Sha256 }.Single(s => s.ToString() == name);

    /// <summary>Sends content from one end to the other, KeyUpdates that come along included; gives what arrives.</summary>
    public byte[] Pass(TlsSession from, TlsSession to, ReadOnlySpan<byte> content)
    {
        int length = from.Seal(content, _record);
        byte[] arrived = [];
        for (var rest = _record.AsSpan(0, length); !rest.IsEmpty; rest = rest[RecordFormat.LengthOf(rest)..])
        {
            var outcome = to.Open(rest[..RecordFormat.LengthOf(rest)], _plain, out int count);
            Assert.True(outcome is RecordOutcome.Data or RecordOutcome.Nothing, $"{outcome} {to.Alert}");
            arrived = [.. arrived, .. _plain[..count]];
        }

        return arrived;
    }

    /// <summary>A record of the client, as its bytes.</summary>
    public byte[] Raw(ContentType type, ReadOnlySpan<byte> content)
    {
        byte[] record = new byte[content.Length + RecordFormat.Overhead];
        ClientRaw.Seal(type, content, record);
        return record;
    }

    public RecordOutcome AtServer(ReadOnlySpan<byte> record) => Server.Open(record, _plain, out _);

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        ClientRaw.Dispose();
    }

    private static byte[] Secret(CipherSuite suite, int seed)
    {
        byte[] secret = new byte[suite.HashLength];
        new Random(seed).NextBytes(secret);
        return secret;
    }
}

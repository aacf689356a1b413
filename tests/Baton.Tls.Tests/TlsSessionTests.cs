using System.Buffers;

namespace Baton.Tls.Tests;

/// <summary>Both directions of a session, and what a session that leaves takes along.</summary>
public sealed class TlsSessionTests
{
    public static TheoryData<string> Suites => SessionPair.Suites;

    [Theory]
    [MemberData(nameof(Suites))]
    public void What_one_end_protects_the_other_opens_at_all_lengths(string suite)
    {
        using var pair = new SessionPair(SessionPair.Named(suite));
        byte[] data = Bytes(RecordFormat.MaxContent);
        foreach (int length in new[] { 1, 2, 15, 16, 17, 1000, RecordFormat.MaxContent - 1, RecordFormat.MaxContent })
        {
            Assert.Equal(data[..length], pair.Pass(pair.Client, pair.Server, data.AsSpan(0, length)));
            Assert.Equal(data[..length], pair.Pass(pair.Server, pair.Client, data.AsSpan(0, length)));
        }
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void Across_ten_thousand_moves_with_key_updates_of_both_no_number_is_used_twice(string suite)
    {
        using var pair = new SessionPair(SessionPair.Named(suite));
        var used = new HashSet<(string Secret, ulong Number)>();
        string secret = "";
        for (int i = 0; i < 10_000; i++)
        {
            byte[] data = BitConverter.GetBytes(i);
            Assert.Equal(data, pair.Pass(pair.Client, pair.Server, data));
            if (i % 100 == 50)
            {
                Assert.Equal(RecordOutcome.Nothing, Ask(pair));
            }

            Assert.Equal(data, pair.Pass(pair.Server, pair.Client, data));
            var state = pair.Server.Leave();

            // The peer opened the record under this number or the connection would have ended: what is left to show is
            // that the numbers under one secret only rise.
            string now = Convert.ToHexString(state.Write.Secret);
            Assert.True(now != secret ? state.Write.Number == 1 : used.Add((now, state.Write.Number)));
            secret = now;
            pair.Server.Dispose();
            pair.Server = new TlsSession(Copy(state));
        }

        Assert.Equal(10_000 - 101, used.Count);
    }

    [Fact]
    public void A_session_that_has_left_protects_and_opens_nothing_any_more()
    {
        using var pair = new SessionPair(CipherSuite.Aes256GcmSha384);
        byte[] record = new byte[100];
        int length = pair.Client.Seal("hello"u8, record);

        pair.Server.Leave();

        byte[] buffer = new byte[100];
        Assert.Throws<InvalidOperationException>(() => pair.Server.Seal("x"u8, buffer));
        Assert.Throws<InvalidOperationException>(() => pair.Server.SealAlert(AlertDescription.CloseNotify, buffer));
        Assert.Throws<InvalidOperationException>(() => pair.Server.Leave());
        Assert.Throws<InvalidOperationException>(() => pair.Server.Open(record.AsSpan(0, length), buffer, out _));
    }

    [Fact]
    public void After_its_close_a_session_writes_no_more()
    {
        using var pair = new SessionPair(CipherSuite.Aes128GcmSha256);
        byte[] buffer = new byte[100];

        int length = pair.Server.SealAlert(AlertDescription.CloseNotify, buffer);

        Assert.Equal(RecordOutcome.Closed, pair.Client.Open(buffer.AsSpan(0, length), new byte[100], out _));
        Assert.Throws<InvalidOperationException>(() => pair.Server.Seal("x"u8, buffer));
    }

    [Fact]
    public void The_own_key_is_renewed_after_its_number_of_records()
    {
        using var pair = new SessionPair(CipherSuite.Aes128GcmSha256, recordsPerKey: 10);
        for (int i = 0; i < 35; i++)
        {
            byte[] data = [(byte)i];
            Assert.Equal(data, pair.Pass(pair.Server, pair.Client, data));
            Assert.True(pair.Server.WriteNumber <= 10);
        }

        Assert.Equal(5ul, pair.Server.WriteNumber);
    }

    [Fact]
    public void Requests_for_a_key_update_are_answered_once_before_the_next_data()
    {
        using var pair = new SessionPair(CipherSuite.Aes128GcmSha256);
        pair.Pass(pair.Server, pair.Client, "a"u8);
        byte[] record = new byte[100];
        byte[] plain = new byte[100];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(RecordOutcome.Nothing, pair.AtServer(KeyUpdate(pair)));
        }

        int length = pair.Server.Seal("b"u8, record);

        int first = RecordFormat.LengthOf(record);
        Assert.Equal(RecordOutcome.Nothing, pair.Client.Open(record.AsSpan(0, first), plain, out _));
        Assert.Equal(RecordOutcome.Data, pair.Client.Open(record.AsSpan(first, length - first), plain, out int count));
        Assert.Equal("b"u8, plain.AsSpan(0, count));
        Assert.Equal(1ul, pair.Server.WriteNumber);
        Assert.Equal("c"u8, pair.Pass(pair.Server, pair.Client, "c"u8).AsSpan());
    }

    [Fact]
    public void A_key_update_that_is_owed_or_half_there_moves_with_the_session()
    {
        using var pair = new SessionPair(CipherSuite.ChaCha20Poly1305Sha256);
        Assert.Equal(RecordOutcome.Nothing, pair.AtServer(KeyUpdate(pair)));
        Assert.Equal(RecordOutcome.Nothing, pair.AtServer(pair.Raw(ContentType.Handshake, [24, 0, 0])));

        var state = Copy(pair.Server.Leave());
        pair.Server = new TlsSession(state);

        Assert.True(state.OwesKeyUpdate);
        Assert.Equal(1, state.KeyUpdatesInARow);
        Assert.Equal(RecordOutcome.Nothing, pair.AtServer(pair.Raw(ContentType.Handshake, [1, 0])));
        Assert.Equal("x"u8, pair.Pass(pair.Server, pair.Client, "x"u8).AsSpan());
        Assert.Equal(1ul, pair.Server.WriteNumber);
    }

    [Fact]
    public void A_close_of_the_peer_moves_with_the_session()
    {
        using var pair = new SessionPair(CipherSuite.Aes128GcmSha256);
        Assert.Equal(RecordOutcome.Closed, pair.AtServer(pair.Raw(ContentType.Alert, [1, 0])));

        pair.Server = new TlsSession(Copy(pair.Server.Leave()));

        Assert.Equal(RecordOutcome.Closed, pair.AtServer(pair.Raw(ContentType.ApplicationData, "late"u8)));
        Assert.Equal("x"u8, pair.Pass(pair.Server, pair.Client, "x"u8).AsSpan());
    }

    [Fact]
    public void A_state_reads_back_as_written_and_nothing_shorter_or_of_another_version_does()
    {
        var session = new SessionState(
            CipherSuite.Aes256GcmSha384, new(Bytes(48), 0x1122334455667788), new(Bytes(48), 9), true, true, 7, new byte[] { 24, 0, 0, 1 });
        var state = new TlsState(session, "h2", "www.example.org", Bytes(700));
        var writer = new ArrayBufferWriter<byte>();
        state.Write(writer);
        byte[] bytes = writer.WrittenSpan.ToArray();

        Assert.True(TlsState.TryRead([.. bytes, 1, 2, 3], out var read, out int length));
        Assert.Equal(bytes.Length, length);
        Assert.Equal((state.Protocol, state.ServerName), (read.Protocol, read.ServerName));
        Assert.Equal(state.ClientCertificate.ToArray(), read.ClientCertificate.ToArray());
        Assert.Equal(session.Read.Secret, read.Session.Read.Secret);
        Assert.Equal(session.Write.Secret, read.Session.Write.Secret);
        Assert.Equal(session.Partial.ToArray(), read.Session.Partial.ToArray());
        Assert.Equal(
            session with { Partial = default, Read = session.Read with { Secret = [] }, Write = session.Write with { Secret = [] } },
            read.Session with { Partial = default, Read = read.Session.Read with { Secret = [] }, Write = read.Session.Write with { Secret = [] } },
            (a, b) => a!.ToString() == b!.ToString());
        for (int shorter = 0; shorter < bytes.Length; shorter++)
        {
            Assert.False(TlsState.TryRead(bytes.AsSpan(0, shorter), out _, out _));
        }

        bytes[0]++;
        Assert.False(TlsState.TryRead(bytes, out _, out _));
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The client asks for a KeyUpdate, and updates its own key, as its records say.</summary>
    private static RecordOutcome Ask(SessionPair pair)
    {
        // The client's own session writes the record, so that its numbers go on.
        byte[] record = new byte[100];
        int length = pair.Client.SealKeyUpdate(request: true, record);
        return pair.AtServer(record.AsSpan(0, length));
    }

    private static byte[] KeyUpdate(SessionPair pair)
    {
        byte[] record = new byte[RecordFormat.Overhead + 5];
        pair.ClientRaw.SealKeyUpdate(request: true, record);
        return record;
    }

    /// <summary>The state after its way to another node.</summary>
    private static SessionState Copy(SessionState state)
    {
        var writer = new ArrayBufferWriter<byte>();
        new TlsState(state, "", "", default).Write(writer);
        Assert.True(TlsState.TryRead(writer.WrittenSpan, out var read, out _));
        return read.Session;
    }
}

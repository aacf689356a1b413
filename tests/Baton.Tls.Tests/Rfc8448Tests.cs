namespace Baton.Tls.Tests;

/// <summary>The records of RFC 8448 §3, "Simple 1-RTT Handshake", after its handshake.</summary>
public sealed class Rfc8448Tests
{
    private static readonly byte[] s_clientSecret = Convert.FromHexString("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    private static readonly byte[] s_serverSecret = Convert.FromHexString("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    private static readonly byte[] s_data = [.. Enumerable.Range(0, 50).Select(i => (byte)i)];

    private static readonly byte[] s_clientData = Convert.FromHexString(
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");

    private static readonly byte[] s_clientClose = Convert.FromHexString("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");

    private static readonly byte[] s_serverData = Convert.FromHexString(
        "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d");

    private static readonly byte[] s_serverClose = Convert.FromHexString("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9");

    [Fact]
    public void Keys_are_those_of_the_trace()
    {
        Span<byte> key = stackalloc byte[16];
        Span<byte> iv = stackalloc byte[12];

        KeySchedule.Key(CipherSuite.Aes128GcmSha256, s_serverSecret, key);
        KeySchedule.Iv(CipherSuite.Aes128GcmSha256, s_serverSecret, iv);

        Assert.Equal("9F02283B6C9C07EFC26BB9F2AC92E356", Convert.ToHexString(key));
        Assert.Equal("CF782B88DD83549AADF1E984", Convert.ToHexString(iv));
    }

    [Fact]
    public void The_clients_records_are_opened()
    {
        using var server = new TlsSession(State(writeNumber: 1));
        byte[] plain = new byte[100];

        Assert.Equal(RecordOutcome.Data, server.Open(s_clientData, plain, out int length));
        Assert.Equal(s_data, plain[..length]);
        Assert.Equal(RecordOutcome.Closed, server.Open(s_clientClose, plain, out length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void The_servers_records_are_written_byte_for_byte_after_its_ticket_took_number_0()
    {
        using var server = new TlsSession(State(writeNumber: 1));
        byte[] record = new byte[200];

        int length = server.Seal(s_data, record);
        Assert.Equal(s_serverData, record[..length]);
        length = server.SealAlert(AlertDescription.CloseNotify, record);
        Assert.Equal(s_serverClose, record[..length]);
    }

    [Fact]
    public void A_session_taken_between_two_records_goes_on_with_the_trace()
    {
        byte[] record = new byte[200];
        byte[] plain = new byte[100];
        using var first = new TlsSession(State(writeNumber: 1));
        first.Open(s_clientData, plain, out _);
        first.Seal(s_data, record);

        using var second = new TlsSession(first.Leave());

        int length = second.SealAlert(AlertDescription.CloseNotify, record);
        Assert.Equal(s_serverClose, record[..length]);
        Assert.Equal(RecordOutcome.Closed, second.Open(s_clientClose, plain, out _));
    }

    private static SessionState State(ulong writeNumber) => new(
        CipherSuite.Aes128GcmSha256, new DirectionState(s_clientSecret.ToArray(), 0), new DirectionState(s_serverSecret.ToArray(), writeNumber));
}

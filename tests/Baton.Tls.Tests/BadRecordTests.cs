namespace Baton.Tls.Tests;

/// <summary>Each way to break the rules of records, and the alert that RFC 8446 wants.</summary>
public sealed class BadRecordTests : IDisposable
{
    private readonly SessionPair _pair = new(CipherSuite.Aes128GcmSha256);

    [Fact]
    public void A_record_of_which_one_bit_was_changed_is_bad_record_mac()
    {
        byte[] record = _pair.Raw(ContentType.ApplicationData, "hello"u8);
        for (int bit = 8; bit < record.Length * 8; bit++)
        {
            // Bits of the length make another record of it.
            if (bit / 8 is 3 or 4)
            {
                continue;
            }

            using var pair = new SessionPair(CipherSuite.Aes128GcmSha256);
            byte[] changed = [.. record];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));

            Refused(pair, changed, AlertDescription.BadRecordMac);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    public void A_record_too_short_to_be_protected_is_bad_record_mac(int length) =>
        Refused(_pair, [23, 3, 3, 0, (byte)length, .. new byte[length]], AlertDescription.BadRecordMac);

    [Fact]
    public void A_record_that_comes_again_is_bad_record_mac()
    {
        byte[] record = _pair.Raw(ContentType.ApplicationData, "hello"u8);
        Assert.Equal(RecordOutcome.Data, _pair.AtServer(record));

        Refused(_pair, record, AlertDescription.BadRecordMac);
    }

    [Fact]
    public void A_record_that_was_left_out_makes_the_next_bad_record_mac()
    {
        _pair.Raw(ContentType.ApplicationData, "first"u8);

        Refused(_pair, _pair.Raw(ContentType.ApplicationData, "second"u8), AlertDescription.BadRecordMac);
    }

    [Fact]
    public void A_record_longer_than_allowed_is_record_overflow()
    {
        int length = RecordFormat.MaxProtected + 1;

        Refused(_pair, [23, 3, 3, (byte)(length >> 8), (byte)length, .. new byte[length]], AlertDescription.RecordOverflow);
    }

    [Fact]
    public void Content_longer_than_allowed_is_record_overflow()
    {
        using var protection = new RecordProtection(_pair.Suite, _pair.ClientRaw.Leave());
        byte[] record = new byte[RecordFormat.HeaderLength + RecordFormat.MaxContent + 2 + CipherSuite.TagLength];
        record[^(CipherSuite.TagLength + 1)] = (byte)ContentType.ApplicationData;
        protection.Protect(record);

        Refused(_pair, record, AlertDescription.RecordOverflow);
    }

    [Fact]
    public void Padding_is_taken_off_and_nothing_but_padding_is_unexpected_message()
    {
        using var protection = new RecordProtection(_pair.Suite, _pair.ClientRaw.Leave());
        byte[] padded = new byte[RecordFormat.HeaderLength + 100 + CipherSuite.TagLength];
        "hello"u8.CopyTo(padded.AsSpan(RecordFormat.HeaderLength));
        padded[RecordFormat.HeaderLength + 5] = (byte)ContentType.ApplicationData;
        protection.Protect(padded);
        byte[] plain = new byte[200];
        Assert.Equal(RecordOutcome.Data, _pair.Server.Open(padded, plain, out int length));
        Assert.Equal("hello"u8, plain.AsSpan(0, length));

        byte[] empty = new byte[RecordFormat.HeaderLength + 100 + CipherSuite.TagLength];
        protection.Protect(empty);

        Refused(_pair, empty, AlertDescription.UnexpectedMessage);
    }

    [Theory]
    [InlineData(ContentType.ChangeCipherSpec)]
    [InlineData(ContentType.Alert)]
    [InlineData(ContentType.Handshake)]
    [InlineData((ContentType)99)]
    public void A_record_that_is_not_protected_is_unexpected_message(ContentType type) =>
        Refused(_pair, [(byte)type, 3, 3, 0, 1, 1], AlertDescription.UnexpectedMessage);

    [Theory]
    [InlineData(ContentType.ChangeCipherSpec)]
    [InlineData((ContentType)99)]
    public void A_protected_record_of_another_type_is_unexpected_message(ContentType type) =>
        Refused(_pair, _pair.Raw(type, [1]), AlertDescription.UnexpectedMessage);

    [Theory]
    [InlineData(AlertDescription.UnexpectedMessage, new byte[0])] // an empty part of a message
    [InlineData(AlertDescription.UnexpectedMessage, new byte[] { 1, 0, 0, 1, 0 })] // a ClientHello: no renegotiation (§4.1.2)
    [InlineData(AlertDescription.UnexpectedMessage, new byte[] { 4, 0, 0, 1, 0 })] // a NewSessionTicket from a client
    [InlineData(AlertDescription.UnexpectedMessage, new byte[] { 24, 0, 0, 1, 0, 24, 0, 0, 1, 0 })] // more behind a change of keys
    [InlineData(AlertDescription.DecodeError, new byte[] { 24, 0, 0, 2, 0 })]
    [InlineData(AlertDescription.IllegalParameter, new byte[] { 24, 0, 0, 1, 2 })]
    public void A_handshake_message_that_may_not_come_or_breaks_its_form_is_refused(AlertDescription alert, byte[] message) =>
        Refused(_pair, _pair.Raw(ContentType.Handshake, message), alert);

    [Fact]
    public void Data_between_the_parts_of_a_handshake_message_are_unexpected_message()
    {
        Assert.Equal(RecordOutcome.Nothing, _pair.AtServer(_pair.Raw(ContentType.Handshake, [24, 0])));

        Refused(_pair, _pair.Raw(ContentType.ApplicationData, "x"u8), AlertDescription.UnexpectedMessage);
    }

    [Theory]
    [InlineData(new byte[] { 1 })]
    [InlineData(new byte[] { 1, 0, 1, 0 })]
    public void An_alert_of_another_length_is_decode_error(byte[] alert) =>
        Refused(_pair, _pair.Raw(ContentType.Alert, alert), AlertDescription.DecodeError);

    [Fact]
    public void Alerts_of_the_peer_are_told_apart()
    {
        Assert.Equal(RecordOutcome.Nothing, _pair.AtServer(_pair.Raw(ContentType.Alert, [1, (byte)AlertDescription.UserCanceled])));
        Assert.Equal(RecordOutcome.PeerFailed, _pair.AtServer(_pair.Raw(ContentType.Alert, [2, (byte)AlertDescription.BadCertificate])));
        Assert.Equal(AlertDescription.BadCertificate, _pair.Server.Alert);
    }

    [Fact]
    public void Key_updates_without_data_between_them_are_bounded()
    {
        byte[] record = new byte[RecordFormat.Overhead + 5];
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < RecordReader.MaxKeyUpdatesInARow; i++)
            {
                _pair.ClientRaw.SealKeyUpdate(request: true, record);
                Assert.Equal(RecordOutcome.Nothing, _pair.AtServer(record));
            }

            if (round == 0)
            {
                Assert.Equal(RecordOutcome.Data, _pair.AtServer(_pair.Raw(ContentType.ApplicationData, "x"u8)));
            }
        }

        _pair.ClientRaw.SealKeyUpdate(request: true, record);
        Refused(_pair, record, AlertDescription.UnexpectedMessage);
    }

    [Fact]
    public void Numbers_end_before_they_wrap()
    {
        using var protection = new RecordProtection(CipherSuite.Aes128GcmSha256, new DirectionState(new byte[32], ulong.MaxValue - 1));
        protection.Protect(new byte[100]);

        Assert.Throws<InvalidOperationException>(() => protection.Protect(new byte[100]));
    }

    public void Dispose() => _pair.Dispose();

    private static void Refused(SessionPair pair, ReadOnlySpan<byte> record, AlertDescription alert)
    {
        Assert.Equal(RecordOutcome.Failed, pair.AtServer(record));
        Assert.Equal(alert, pair.Server.Alert);
    }
}

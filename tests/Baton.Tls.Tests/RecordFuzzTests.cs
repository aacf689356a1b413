namespace Baton.Tls.Tests;

/// <summary>Random records and random damage: whatever comes, there is an outcome, and what was changed never gets through.</summary>
public sealed class RecordFuzzTests
{
    public static TheoryData<string> Suites => SessionPair.Suites;

    [Theory]
    [MemberData(nameof(Suites))]
    public void Random_content_of_random_types_is_data_as_it_was_sent_or_has_a_clear_outcome(string suite)
    {
        var random = new Random(Seeds.Seed);
        byte[] plain = new byte[RecordFormat.MaxProtected + RecordFormat.HeaderLength];
        var seen = new HashSet<RecordOutcome>();
        for (int i = 0; i < 3000; i++)
        {
            using var pair = new SessionPair(SessionPair.Named(suite));
            for (int step = 0; step < 8; step++)
            {
                var type = (ContentType)(random.Next(4) == 0 ? random.Next(256) : 20 + random.Next(4));
                byte[] content = new byte[random.Next(8) == 0 ? random.Next(RecordFormat.MaxContent + 1) : random.Next(8)];
                random.NextBytes(content);
                if (type == ContentType.Handshake && content.Length > 0 && random.Next(2) == 0)
                {
                    content[0] = 24;
                }
                else if (type == ContentType.Alert && random.Next(2) == 0)
                {
                    content = [1, (byte)(random.Next(2) * random.Next(256))];
                }

                byte[] record = pair.Raw(type, content);
                var outcome = pair.Server.Open(record, plain, out int length);
                seen.Add(outcome);
                Assert.True(Enum.IsDefined(outcome), Seeds.Replay);
                Assert.True((outcome == RecordOutcome.Data) == (type == ContentType.ApplicationData) || outcome != RecordOutcome.Data, Seeds.Replay);
                Assert.True(outcome != RecordOutcome.Data || plain.AsSpan(0, length).SequenceEqual(content), Seeds.Replay);
                if (outcome is not (RecordOutcome.Data or RecordOutcome.Nothing))
                {
                    break;
                }
            }
        }

        Assert.Equal(5, seen.Count);
    }

    [Fact]
    public void Bytes_that_no_peer_has_protected_never_give_data()
    {
        var random = new Random(Seeds.Seed);
        byte[] plain = new byte[2000];
        for (int i = 0; i < 20_000; i++)
        {
            using var pair = new SessionPair(CipherSuite.Aes128GcmSha256);
            byte[] record = new byte[RecordFormat.HeaderLength + random.Next(200)];
            random.NextBytes(record);
            record[0] = random.Next(2) == 0 ? (byte)23 : record[0];
            record[3] = 0;
            record[4] = (byte)(record.Length - RecordFormat.HeaderLength);

            Assert.Equal(RecordOutcome.Failed, pair.Server.Open(record, plain, out int length));
            Assert.Equal(0, length);
        }
    }

    [Fact]
    public void A_state_with_random_bytes_is_refused_or_read_but_never_fails()
    {
        var random = new Random(Seeds.Seed);
        int read = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = new byte[random.Next(300)];
            random.NextBytes(bytes);
            byte[] start = [1, 0x13, (byte)(1 + random.Next(3)), (byte)random.Next(5), (byte)random.Next(40), (byte)random.Next(6)];
            start.AsSpan(0, Math.Min(start.Length, bytes.Length)).CopyTo(bytes);
            read += TlsState.TryRead(bytes, out var state, out int length) && length <= bytes.Length && state is not null ? 1 : 0;
        }

        Assert.True(read < 100_000, Seeds.Replay);
    }
}

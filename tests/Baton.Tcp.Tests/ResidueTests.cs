using Baton.Wire;

namespace Baton.Tcp.Tests;

/// <summary>What a connection in TIME-WAIT leaves to another node.</summary>
public sealed class ResidueTests
{
    private static readonly FourTuple s_tuple = new(InetAddress.FromV4(0xC6336465), 80, InetAddress.FromV4(0xCB007102), 40_000);

    private static readonly Instant s_now = Instant.Zero + TimeSpan.FromHours(1);

    // SND.NXT 1000, RCV.NXT 2000, window 60000 with shift 2, TSval 5000, TS.Recent 6000 of 1 s ago, 10 s to go.
    private static byte[] Sound() =>
    [
        0, 0, 0x03, 0xE8, 0, 0, 0x07, 0xD0, 0, 0, 0xEA, 0x60, 2, 1, 0, 0, 0x13, 0x88, 0, 0, 0x17, 0x70,
        0, 0, 0, 0, 0, 0x98, 0x96, 0x80, 0, 0, 0, 0, 0x05, 0xF5, 0xE1, 0x00,
    ];

    [Fact]
    public void It_acknowledges_a_FIN_that_comes_again_and_reads_back_as_written()
    {
        var connection = Restore(Sound())!;
        Assert.Equal(Sound(), connection.ToResidue(s_now));
        connection.Thaw(s_now);
        Assert.Equal(TcpState.TimeWait, connection.State);
        Assert.Equal(s_now + TimeSpan.FromSeconds(10), connection.NextDeadline);

        var fin = new TcpHeader
        {
            SourcePort = 40_000, DestinationPort = 80, Sequence = new(1999), Acknowledgment = new(1000), Flags = TcpFlags.Fin | TcpFlags.Ack, Window = 100,
            Options = new TcpOptions { HasTimestamps = true, TimestampValue = 6001, TimestampEcho = 4000 },
        };
        Assert.Equal(TcpDisposition.Duplicate, connection.OnSegment(s_now, fin, default));
        Assert.True(connection.TryEmit(s_now, 0, out var emission));
        Assert.Equal(TcpFlags.Ack, emission.Header.Flags);
        Assert.Equal((new SeqNum(1000), new SeqNum(2000)), (emission.Header.Sequence, emission.Header.Acknowledgment));
        Assert.Equal(60_000 >> 2, emission.Header.Window);
        Assert.Equal(5000u, emission.Header.Options.TimestampValue);
    }

    [Fact]
    public void It_gives_way_to_a_SYN_with_a_later_timestamp_and_to_no_other()
    {
        var connection = Restore(Sound())!;
        connection.Thaw(s_now);
        Assert.NotEqual(TcpDisposition.Reopen, connection.OnSegment(s_now, Syn(5999), default));
        Assert.Equal(TcpDisposition.Reopen, connection.OnSegment(s_now, Syn(6001), default));

        static TcpHeader Syn(uint timestamp) => new()
        {
            SourcePort = 40_000, DestinationPort = 80, Sequence = new(77), Flags = TcpFlags.Syn, Window = 100,
            Options = new TcpOptions { HasTimestamps = true, TimestampValue = timestamp },
        };
    }

    [Fact]
    public void It_lasts_no_longer_than_TIME_WAIT_does_where_it_goes_on()
    {
        byte[] bytes = Sound();
        bytes[30] = 0x00;
        bytes[31] = 0x0F;
        var connection = Restore(bytes)!;
        connection.Thaw(s_now);
        Assert.Equal(s_now + TcpSettings.Default.TimeWaitLength, connection.NextDeadline);
    }

    [Fact]
    public void Other_bytes_are_refused_or_are_another_connection_in_TIME_WAIT()
    {
        byte[] sound = Sound();
        for (int length = 0; length < sound.Length; length++)
        {
            Assert.Null(Restore(sound.AsSpan(0, length)));
        }

        Assert.Null(Restore([.. sound, 0]));
        int refused = 0;
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Sound();
            for (int flips = 1 + random.Next(4); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            var connection = Restore(bytes);
            Assert.True(connection is null or { State: TcpState.TimeWait });
            refused += connection is null ? 1 : 0;
            connection?.Thaw(s_now);
            Assert.True(connection is null || connection.NextDeadline <= s_now + TcpSettings.Default.TimeWaitLength);
            Assert.False(connection?.TryEmit(s_now, 0, out _) ?? false);
        }

        Assert.InRange(refused, 1, 19_999);
    }

    private static TcpConnection? Restore(ReadOnlySpan<byte> bytes) =>
        TcpConnection.TryRestoreResidue(bytes, s_tuple, TcpSettings.Default, s_now, out var connection) ? connection : null;
}

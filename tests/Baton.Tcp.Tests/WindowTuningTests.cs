using Baton.Wire;

namespace Baton.Tcp.Tests;

public class WindowTuningTests
{
    private const int Start = 16 * 1024;
    private const int Limit = 256 * 1024;

    private static readonly TcpSettings Settings = TcpSettings.Default with
    {
        Timestamps = false, ReceiveBufferStart = Start, ReceiveBufferLimit = Limit,
    };

    [Fact]
    public void The_window_grows_with_what_the_application_takes_in_a_round_trip()
    {
        var s = Connected(Settings, roundTrip: 100);
        int before = Room(s);
        Assert.InRange(before, Start * 14 / 16, Start);
        long next = Fill(s, 1, roundTrips: 1);
        Assert.InRange(Room(s), before, Start);
        next = Fill(s, next, roundTrips: 2);
        Assert.True(Room(s) > 2 * before);
        next = Fill(s, next, roundTrips: 20);
        Assert.InRange(Room(s), Limit * 14 / 16, Limit);
        Fill(s, next, roundTrips: 20);
        Assert.InRange(Room(s), Limit * 14 / 16, Limit);
    }

    [Fact]
    public void A_reader_that_takes_little_keeps_a_small_window()
    {
        var s = Connected(Settings, roundTrip: 100);
        long next = 1;
        for (int i = 0; i < 100; i++)
        {
            s.In(".", next, ack: 1, len: 1000);
            next += 1000;
            s.Read();
            s.At(1000 + (i * 100));
        }

        Assert.InRange(Room(s), 0, Start);
    }

    [Fact]
    public void A_reader_that_takes_nothing_keeps_a_small_window()
    {
        var s = Connected(Settings, roundTrip: 100);
        long next = 1;
        for (int i = 0; i < 12; i++)
        {
            s.In(".", next, ack: 1, len: 1000);
            next += 1000;
            s.At(1000 + (i * 100));
        }

        s.OutAll();
        Assert.InRange(s.Connection.Statistics.RingBytes, 1, Start);
        Assert.InRange(Room(s), 0, Start - 12_000);
    }

    [Fact]
    public void The_scale_is_that_of_the_limit_from_the_beginning()
    {
        var s = new Script(Settings);
        s.In("S", 0, mss: 1000, scale: 7);
        Assert.Equal((byte)2, s.Out("S.").Header.Options.WindowScale);
    }

    [Fact]
    public void A_window_that_has_grown_is_as_large_after_a_move()
    {
        var s = Connected(Settings, roundTrip: 100);
        long next = Fill(s, 1, roundTrips: 30);
        int room = Room(s);
        s.Move(TimeSpan.FromSeconds(1));
        Assert.Equal(room, Room(s));
        Fill(s, next, roundTrips: 2);
        Assert.InRange(Room(s), Limit * 14 / 16, Limit);
    }

    [Fact]
    public void When_memory_is_tight_windows_go_back_to_their_beginning_and_no_promise_is_broken()
    {
        var memory = new QueueMemory(1_000_000);
        var s = Connected(Settings with { Memory = memory }, roundTrip: 100);
        long next = Fill(s, 1, roundTrips: 30);
        memory.Change(800_000);
        Assert.True(memory is { IsTight: true, IsExhausted: false });
        var edge = s.Connection.Statistics.RightEdge;
        for (int i = 0; i < 400; i++)
        {
            s.In(".", next, ack: 1, len: 1000);
            next += 1000;
            s.Read();
            Assert.True(s.Connection.Statistics.RightEdge - edge >= 0);
            edge = s.Connection.Statistics.RightEdge;
        }

        Assert.InRange(Room(s), 1, Start + 4);
    }

    [Fact]
    public void When_memory_is_exhausted_each_connection_still_takes_a_segment_and_no_more()
    {
        var memory = new QueueMemory(100_000);
        var s = Connected(Settings with { Memory = memory }, roundTrip: 100);
        memory.Change(100_000);
        s.In(TcpDisposition.Accepted, ".", 1, ack: 1, len: 1000);
        s.In(TcpDisposition.Accepted, ".", 1001, ack: 1, len: 1000);
        s.In(TcpDisposition.NoMemory, ".", 2001, ack: 1, len: 1000);
        s.In(TcpDisposition.NoMemory, ".", 4001, ack: 1, len: 1000);
        Assert.Equal(ByteRing.MinCapacity, s.Connection.Statistics.RingBytes);
        s.Read();
        s.In(TcpDisposition.Accepted, ".", 2001, ack: 1, len: 1000);
    }

    [Fact]
    public void When_memory_is_exhausted_each_connection_still_sends_and_its_writer_is_told_when_it_may_go_on()
    {
        var memory = new QueueMemory(100_000);
        var s = Connected(Settings with { Memory = memory }, roundTrip: 100);
        memory.Change(100_000);
        s.Connection.TakeEvents();
        Assert.Equal(QueueMemory.LeastSendQueue, s.Write(50_000));
        Assert.Equal(0, s.Write(1));
        memory.Change(-100_000);
        s.OutAll();
        s.In(".", 1, ack: 1461);
        Assert.Equal(TcpEvents.Writable, s.Connection.TakeEvents());
    }

    [Fact]
    public void Memory_that_was_reserved_to_send_holds_what_is_written_without_growing_and_is_given_back_with_it()
    {
        var memory = new QueueMemory(1_000_000);
        var s = Connected(Settings with { Memory = memory }, roundTrip: 100);
        s.Connection.ReserveToSend(5000);
        long reserved = s.Connection.Statistics.RingBytes;
        Assert.Equal(8192, reserved);
        s.Write(1000);
        s.Write(4000);
        Assert.Equal(reserved, s.Connection.Statistics.RingBytes);
        foreach (int acknowledged in (int[])[1461, 2921, 4381, 5001])
        {
            s.OutAll();
            s.In(".", 1, ack: acknowledged);
        }

        Assert.Equal(0, s.Connection.Statistics.RingBytes);
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void No_more_memory_can_be_reserved_than_may_be_written()
    {
        var memory = new QueueMemory(100_000);
        var s = Connected(Settings with { Memory = memory }, roundTrip: 100);
        memory.Change(100_000);
        s.Connection.ReserveToSend(1 << 20);
        Assert.Equal(QueueMemory.LeastSendQueue, s.Connection.Statistics.RingBytes);
    }

    [Fact]
    public void All_memory_is_given_back()
    {
        const int seed = 11;
        var memory = new QueueMemory(1 << 20);
        var settings = Settings with { Memory = memory, SelectiveAcks = true };
        for (int i = 0; i < 20; i++)
        {
            var pipe = new Pipe(seed + i, new PipeFaults(Loss: 20, Duplicate: 10, JitterMicroseconds: 4000), settings, settings, 100_000, 80_000) { MovesPerMille = 5 };
            pipe.Run(TimeSpan.FromMinutes(10));
            pipe.Left.Connection!.Release();
            pipe.Right.Connection!.Release();
            Assert.True(memory.Used == 0, $"seed {seed + i}: {memory.Used}");
        }
    }

    /// <summary>Established after a round trip of so many milliseconds; the peer scales.</summary>
    private static Script Connected(TcpSettings settings, int roundTrip)
    {
        var s = new Script(settings);
        s.In("S", 0, mss: 1460, scale: 0);
        s.Out("S.");
        s.At(roundTrip);
        s.In(".", 1, ack: 1);
        return s;
    }

    /// <summary>A peer that sends whatever the window lets it, at once, each round trip of 100 ms; the application reads all.</summary>
    private static long Fill(Script s, long next, int roundTrips)
    {
        for (int i = 0; i < roundTrips; i++)
        {
            s.At((s.Now - (Instant.Zero + TimeSpan.FromSeconds(1000))).TotalMilliseconds + 100);
            for (int room = Room(s); room > 0; room -= 1460)
            {
                int length = Math.Min(room, 1460);
                s.In(".", next, ack: 1, len: length);
                next += length;
            }

            s.Read();
            s.OutAll();
        }

        return next;
    }

    private static int Room(Script s) => s.Connection.Statistics.RightEdge - s.Connection.Sequence.RcvNxt;
}

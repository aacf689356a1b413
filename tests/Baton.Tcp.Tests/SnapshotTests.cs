using System.Reflection;
using System.Runtime.CompilerServices;
using Baton.Wire;

namespace Baton.Tcp.Tests;

public class SnapshotTests
{
    [Fact]
    public void Every_field_of_a_connection_is_in_the_snapshot_or_says_why_not()
    {
        var claimed = new HashSet<string>();
        var missing = new List<string>();
        foreach (var type in PartsOf(typeof(TcpConnection)))
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (field.GetCustomAttribute<InSnapshotAttribute>() is { } placed)
                {
                    claimed.Add(placed.Name);
                }
                else if (field.GetCustomAttribute<NotInSnapshotAttribute>() is null)
                {
                    missing.Add($"{type.Name}.{field.Name}");
                }
            }
        }

        Assert.True(PartsOf(typeof(TcpConnection)).Count >= 24);
        Assert.True(missing.Count == 0, "place in TcpSnapshot or mark with NotInSnapshot: " + string.Join(", ", missing));
        claimed.Add(nameof(TcpSnapshot.CloseQueued)); // With State it names the phase.
        var members = typeof(TcpSnapshot).GetProperties().Select(p => p.Name);
        Assert.Empty(members.Except(claimed));
    }

    [Fact]
    public void Every_member_of_a_snapshot_survives_the_codec()
    {
        var snapshot = new TcpSnapshot();
        int next = 3;
        foreach (var property in typeof(TcpSnapshot).GetProperties())
        {
            property.SetValue(snapshot, Sample(property.PropertyType, ref next));
        }

        Assert.True(TcpSnapshotCodec.TryRead(TcpSnapshotCodec.Write(snapshot), out var read));
        foreach (var property in typeof(TcpSnapshot).GetProperties())
        {
            Assert.Equal(Text(property.GetValue(snapshot)), Text(property.GetValue(read)));
        }
    }

    [Fact]
    public void A_snapshot_of_a_restored_connection_is_the_snapshot()
    {
        var s = Rich();
        s.Connection.Freeze(s.Now);
        var image = s.Connection.ToImage(s.Now);
        Assert.True(TcpConnection.TryRestore(image, TcpSettings.Default, Instant.Zero + TimeSpan.FromDays(3), out var restored));
        Assert.Equal(image, restored.ToImage(Instant.Zero + TimeSpan.FromDays(4)));
    }

    [Fact]
    public void An_image_cut_short_or_with_more_behind_it_is_refused()
    {
        var image = Rich().Connection.ToImage(Rich().Now);
        for (int length = 0; length < image.Length; length++)
        {
            Assert.False(TcpConnection.TryRestore(image.AsMemory(0, length), TcpSettings.Default, Instant.Zero, out _));
        }

        Assert.False(TcpConnection.TryRestore((byte[])[.. image, 0], TcpSettings.Default, Instant.Zero, out _));
    }

    [Fact]
    public void A_damaged_image_is_refused_or_gives_a_connection_that_runs()
    {
        const int seed = 20260;
        var random = new Random(seed);
        var image = Rich().Connection.ToImage(Rich().Now);
        int accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            var damaged = (byte[])image.Clone();
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                // Mostly in the fields, seldom in the queues' bytes.
                damaged[random.Next(Math.Min(damaged.Length, random.Next(4) == 0 ? damaged.Length : 330))] = (byte)(random.Next(3) == 0 ? 255 : random.Next(256));
            }

            if (TcpConnection.TryRestore(damaged, TcpSettings.Default, Instant.Zero, out var connection))
            {
                accepted++;
                RunSome(connection, random);
            }
        }

        Assert.True(accepted > 0, $"seed {seed}");
    }

    [Theory]
    [InlineData(TcpState.SynReceived)]
    [InlineData(TcpState.Established)]
    [InlineData(TcpState.FinWait1)]
    [InlineData(TcpState.FinWait2)]
    [InlineData(TcpState.CloseWait)]
    [InlineData(TcpState.Closing)]
    [InlineData(TcpState.LastAck)]
    [InlineData(TcpState.TimeWait)]
    public void A_connection_moves_in_every_state(TcpState state)
    {
        var s = new Script();
        s.In("S", 0);
        s.Out("S.");
        if (state != TcpState.SynReceived)
        {
            s.In(".", 1, ack: 1);
        }

        bool passive = state is TcpState.CloseWait or TcpState.LastAck;
        if (passive)
        {
            s.In("F.", 1, ack: 1);
        }

        if (state is not (TcpState.SynReceived or TcpState.Established or TcpState.CloseWait))
        {
            s.Do(c => c.CloseWrite(s.Now));
        }

        if (state is TcpState.FinWait2 or TcpState.TimeWait)
        {
            s.In(".", 1, ack: 2);
        }

        if (state is TcpState.Closing or TcpState.TimeWait)
        {
            s.In("F.", 1, ack: state == TcpState.Closing ? 1 : 2);
        }

        Assert.Equal(state, s.Connection.State);
        var before = s.Connection.Sequence;
        var remaining = s.Connection.NextDeadline == Instant.Never ? default : s.Connection.NextDeadline - s.Now;
        s.Move(TimeSpan.FromSeconds(5));
        Assert.Equal(state, s.Connection.State);
        Assert.Equal(before, s.Connection.Sequence);
        Assert.Equal(remaining, s.Connection.NextDeadline == Instant.Never ? default : s.Connection.NextDeadline - s.Now);
    }

    [Fact]
    public void A_frozen_connection_emits_nothing_and_its_timers_stand_still()
    {
        var s = Script.Established();
        s.Write(100);
        s.Out("P.", 1);
        s.At(150);
        s.Do(c => c.Freeze(s.Now));
        Assert.Equal(Instant.Never, s.Connection.NextDeadline);
        s.In(TcpDisposition.Frozen, ".", 1, ack: 101);
        Assert.Equal(0, s.Write(5));
        s.At(10_000).OutNothing();
        s.Do(c => c.Thaw(s.Now));
        s.At(10_049).OutNothing();
        s.At(10_050).Out("P.", 1, len: 100);
    }

    [Fact]
    public void After_a_move_the_new_owner_acknowledges_once_and_its_clock_goes_on()
    {
        var s = new Script(TcpSettings.Default) { PeerClock = 10 };
        s.In("S", 0);
        s.Out("S.");
        s.In(".", 1, ack: 1);
        s.Write(3);
        uint before = s.Out("P.", 1).Header.Options.TimestampValue;
        s.Move(TimeSpan.FromMinutes(3));
        s.Do(c => c.KickAfterMove(s.Now));
        var options = s.Out(".", 4, ack: 1).Header.Options;
        Assert.Equal((before, 10u), (options.TimestampValue, options.TimestampEcho));
        s.OutNothing();
    }

    [Fact]
    public void Bytes_copied_ahead_are_left_out_of_the_image()
    {
        var s = Rich();
        var early = s.Connection.ToSnapshot(s.Now);
        var ahead = new CopiedAhead(Copy(early.SendQueue), Copy(early.ReceiveQueue));
        s.Write(500);
        s.Connection.Freeze(s.Now);
        var whole = s.Connection.ToImage(s.Now);
        var tail = s.Connection.ToImage(s.Now, ahead.Send.End, ahead.Receive.End);
        Assert.Equal(whole.Length - ahead.Send.Length - ahead.Receive.Length, tail.Length);
        Assert.True(TcpConnection.TryRestore(tail, TcpSettings.Default, s.Now, ahead, out var restored));
        Assert.Equal(whole, restored.ToImage(s.Now));
        Assert.False(TcpConnection.TryRestore(tail, TcpSettings.Default, s.Now, out _));

        static QueuedBytes Copy(QueuedBytes bytes) => new(bytes.Position, bytes.First.ToArray(), bytes.Second.ToArray());
    }

    /// <summary>A connection with something in each queue, in recovery, half of its features in use.</summary>
    private static Script Rich()
    {
        var s = new Script(TcpSettings.Default with
        {
            KeepAliveTime = TimeSpan.FromHours(2), UserTimeout = TimeSpan.FromMinutes(5), Linger = TimeSpan.FromSeconds(9),
        }) { PeerClock = 55 };
        s.In("S", 0, mss: 1000, scale: 4, sack: true);
        s.Out("S.");
        s.In(".", 1, ack: 1, window: 4000);
        s.Write(20_000);
        s.At(20);
        s.In(".", 1, ack: 1, window: 4000, blocks: [(1001, 2001)], len: 300);
        s.In(".", 1001, ack: 1, window: 4000, len: 500);
        s.In(".", 3001, ack: 989, window: 4000, blocks: [(2001, 5001)], len: 500);
        s.OutAll();
        return s;
    }

    private static void RunSome(TcpConnection connection, Random random)
    {
        var now = Instant.Zero + TimeSpan.FromSeconds(1);
        var buffer = new byte[5000];
        connection.Thaw(now);
        for (int i = 0; i < 12; i++)
        {
            for (int budget = 200; budget > 0 && connection.TryEmit(now, 65535, out _); budget--)
            {
            }

            connection.Write(buffer.AsSpan(0, random.Next(5000)));
            connection.Read(buffer.AsSpan(0, random.Next(5000)));
            var group = connection.Sequence;
            var header = new TcpHeader
            {
                Sequence = group.RcvNxt + random.Next(-100, 5000),
                Acknowledgment = group.SndUna + random.Next(0, 5000),
                Flags = TcpFlags.Ack | (random.Next(10) == 0 ? TcpFlags.Fin : 0),
                Window = (ushort)random.Next(65536),
                Options = new() { HasTimestamps = true, TimestampValue = 0x7000_0000 },
            };
            connection.OnSegment(now, header, buffer.AsSpan(0, random.Next(1400)));
            now += TimeSpan.FromMilliseconds(random.Next(1, 2000));
            connection.OnDeadline(now);
            _ = connection.ToImage(now);
        }
    }

    private static HashSet<Type> PartsOf(Type root)
    {
        var seen = new HashSet<Type>();
        var queue = new Queue<Type>([root]);
        while (queue.TryDequeue(out var type))
        {
            if (!seen.Add(type))
            {
                continue;
            }

            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            {
                var part = field.FieldType;
                bool isPart = (part.IsClass || IsPlaced(part)) && part.Namespace == "Baton.Tcp" && part != typeof(TcpSettings) && !typeof(Phase).IsAssignableFrom(part);
                if (isPart && part.GetCustomAttribute<CompilerGeneratedAttribute>() is null)
                {
                    queue.Enqueue(part);
                    Array.ForEach(part.IsAbstract ? part.Assembly.GetTypes() : [], t => Enqueue(t, part, queue));
                }
            }
        }

        return seen;
    }

    /// <summary>Whether a struct is a part rather than a value: its fields say where they go.</summary>
    private static bool IsPlaced(Type type) =>
        type.IsValueType && !type.IsGenericType
        && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(f =>
            f.GetCustomAttribute<InSnapshotAttribute>() is not null || f.GetCustomAttribute<NotInSnapshotAttribute>() is not null);

    private static void Enqueue(Type type, Type kind, Queue<Type> queue)
    {
        if (type != kind && kind.IsAssignableFrom(type))
        {
            queue.Enqueue(type);
        }
    }

    private static object Sample(Type type, ref int next)
    {
        int n = next++;
        return type switch
        {
            _ when type == typeof(FourTuple) => new FourTuple(InetAddress.Parse("2001:db8::1"), 80, InetAddress.Parse("192.0.2.9"), 999),
            _ when type == typeof(bool) => n % 2 == 0,
            _ when type == typeof(int) => n,
            _ when type == typeof(byte) => (byte)n,
            _ when type == typeof(SentAge[]) => new SentAge[] { new(n, TimeSpan.FromMilliseconds(n), SentMarks.Lost) },
            _ when type == typeof(uint) => (uint)n,
            _ when type == typeof(long) => (long)n << 33,
            _ when type == typeof(SeqNum) => new SeqNum((uint)n),
            _ when type == typeof(TimeSpan) || type == typeof(TimeSpan?) => TimeSpan.FromMilliseconds(n),
            _ when type == typeof(StreamRange) => new StreamRange(n, 2 * n),
            _ when type == typeof(StreamRange[]) => new StreamRange[] { new(n, n + 5), new(n + 7, n + 9) },
            _ when type == typeof(QueuedBytes) => new QueuedBytes(n, new byte[] { 1, 2, (byte)n }, new byte[] { 4 }),
            _ when type == typeof(QueuedBytes[]) => new QueuedBytes[] { new(n, new byte[] { (byte)n }, default) },
            _ when type == typeof(long[]) => new long[] { n, n + 1 },
            _ when type == typeof(TimeSpan?[]) => new TimeSpan?[] { null, TimeSpan.FromSeconds(n), null, TimeSpan.Zero, TimeSpan.FromTicks(n), TimeSpan.FromTicks(2), null },
            { IsEnum: true } => Enum.GetValues(type).GetValue(1)!,
            _ => throw new NotSupportedException($"a sample of {type}"),
        };
    }

    private static string Text(object? value) => value switch
    {
        QueuedBytes bytes => $"{bytes.Position}:{Convert.ToHexString([.. bytes.First.Span, .. bytes.Second.Span])}",
        Array array => string.Join(",", array.Cast<object?>().Select(Text)),
        null => "null",
        _ => value.ToString()!,
    };
}

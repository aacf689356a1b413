using Baton.Wire;

namespace Baton.Tcp.Tests;

/// <summary>What the pipe does to segments, in thousandths.</summary>
internal sealed record PipeFaults(int Loss = 0, int Duplicate = 0, int JitterMicroseconds = 0, int DelayMicroseconds = 5000);

/// <summary>
/// Two connections over a seeded in-memory pipe in virtual time, each with an application that writes, reads and closes
/// by its own random steps. Either side may move to another owner at any step; each owner has a clock of its own.
/// </summary>
internal sealed class Pipe
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly PipeFaults _faults;
    private readonly Random _random;
    private long _now = TimeSpan.FromSeconds(1).Ticks;
    private long _order;

    public Pipe(int seed, PipeFaults faults, TcpSettings left, TcpSettings right, long bytesLeft, long bytesRight)
    {
        Seed = seed;
        _random = new(seed);
        _faults = faults;
        Left = new(this, left, bytesLeft, salt: 1);
        Right = new(this, right, bytesRight, salt: 2);
        Left.Peer = Right;
        Right.Peer = Left;
        Left.Connection = TcpConnection.Connect(left, Script.Tuple, new((uint)_random.Next()), (uint)_random.Next(), Left.Now);
    }

    public int Seed { get; }

    public Side Left { get; }

    public Side Right { get; }

    public int Moves { get; private set; }

    /// <summary>Moves in a thousand steps.</summary>
    public int MovesPerMille { get; init; }

    public TimeSpan Elapsed => new(_now - TimeSpan.FromSeconds(1).Ticks);

    public static byte Byte(int salt, long position) => (byte)((position * 167 >> 5) ^ position ^ salt);

    /// <summary>Runs until both sides are closed, or fails.</summary>
    public void Run(TimeSpan limit)
    {
        Left.Step();
        while (_events.TryDequeue(out var act, out var at))
        {
            _now = at.At;
            Require(Elapsed < limit, "not finished");
            act();
            if (Left.Done && Right.Done)
            {
                return;
            }
        }

        Assert.Fail($"{Where()}: nothing happens any more");
    }

    public void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            Assert.Fail($"{Where()}: {otherwise}");
        }
    }

    public string Where() => $"seed {Seed} at {Elapsed}: left {Left}, right {Right}";

    private void Schedule(long delay, Action act) => _events.Enqueue(act, (_now + delay, _order++));

    /// <summary>One end: its connection, its application, its owner's clock.</summary>
    internal sealed class Side(Pipe pipe, TcpSettings settings, long toWrite, int salt)
    {
        private readonly Queue<(TcpHeader Header, byte[] Payload)> _held = new();
        private long _clock = pipe._random.NextInt64(TimeSpan.TicksPerDay);
        private long _wakeAt = long.MaxValue;
        private long _written;
        private long _read;
        private bool _closedWrite;
        private SequenceGroup _seen;
        private uint? _tsval;
        private SeqNum? _edge;
        private int _peerScale;

        public Side Peer { get; set; } = null!;

        public TcpConnection? Connection { get; set; }

        public Instant Now => new(pipe._now + _clock);

        public bool Done => Connection is { State: TcpState.Closed or TcpState.TimeWait } && _read == Peer.Total && _written == toWrite;

        public long Total => toWrite;

        public override string ToString() =>
            $"{Connection?.State} {Connection?.CloseReason} wrote {_written}/{toWrite} read {_read} {Connection?.Statistics}";

        public void Step()
        {
            if (Connection is null || Connection.IsFrozen)
            {
                return;
            }

            RunApplication();
            Emit();
            Check();
            if (pipe._random.Next(1000) < pipe.MovesPerMille && Connection.State != TcpState.Closed)
            {
                Move();
                return;
            }

            var next = Connection.NextDeadline;
            if (next != Instant.Never)
            {
                WakeAt(Math.Max(next.Ticks - _clock, pipe._now));
            }
        }

        public void Receive(TcpHeader header, byte[] payload)
        {
            if (Connection is null)
            {
                Connection = TcpConnection.Accept(settings, Script.Tuple.Reversed, header, new((uint)pipe._random.Next()), (uint)pipe._random.Next(), Now);
            }
            else if (Connection.IsFrozen)
            {
                _held.Enqueue((header, payload));
            }
            else
            {
                Connection.OnSegment(Now, header, payload);
            }

            Step();
        }

        private void WakeAt(long at)
        {
            if (at >= _wakeAt && _wakeAt > pipe._now)
            {
                return;
            }

            _wakeAt = at;
            pipe.Schedule(at - pipe._now, () =>
            {
                _wakeAt = long.MaxValue;
                Connection!.OnDeadline(Now);
                Step();
            });
        }

        private void RunApplication()
        {
            var c = Connection!;
            Span<byte> buffer = stackalloc byte[8192];
            while (_written < toWrite && c.WriteCapacity > 0 && pipe._random.Next(8) != 0)
            {
                var part = buffer[..(int)Math.Min(toWrite - _written, pipe._random.Next(1, buffer.Length))];
                for (int i = 0; i < part.Length; i++)
                {
                    part[i] = Byte(salt, _written + i);
                }

                _written += c.Write(part);
            }

            if (_written == toWrite && !_closedWrite && c.IsSynchronized)
            {
                _closedWrite = true;
                c.CloseWrite(Now);
            }

            while (c.ReadableBytes > 0 && pipe._random.Next(6) != 0)
            {
                int count = c.Read(buffer[..pipe._random.Next(1, buffer.Length)]);
                for (int i = 0; i < count; i++)
                {
                    pipe.Require(buffer[i] == Byte(Peer.Salt, _read + i), "wrong byte at");
                }

                _read += count;
            }

            if (c.ReadableBytes > 0 || _written < toWrite)
            {
                // The application comes back by itself.
                WakeAt(pipe._now + (TimeSpan.TicksPerMillisecond * pipe._random.Next(1, 20)));
            }
        }

        private int Salt => salt;

        private void Emit()
        {
            int max = pipe._random.Next(3) == 0 ? 1460 : 65535;
            while (Connection!.TryEmit(Now, max, out var e))
            {
                CheckEmission(in e.Header);
                var payload = new byte[e.PayloadLength];
                e.Payload.CopyTo(payload);
                e.MorePayload.CopyTo(payload.AsSpan(e.Payload.Length));
                int size = e.SegmentSize == 0 ? Math.Max(1, payload.Length) : e.SegmentSize;
                pipe.Require(size <= Connection.Statistics.Mss, "segment of");
                for (int at = 0; at == 0 || at < payload.Length; at += size)
                {
                    bool last = at + size >= payload.Length;
                    var header = e.Header;
                    header.Sequence += (uint)at;
                    header.Flags &= last ? ~TcpFlags.None : ~(TcpFlags.Fin | TcpFlags.Psh);
                    Send(header, payload[at..Math.Min(payload.Length, at + size)]);
                }
            }
        }

        private void Send(TcpHeader header, byte[] payload)
        {
            if (pipe._random.Next(1000) < pipe._faults.Loss)
            {
                return;
            }

            int copies = pipe._random.Next(1000) < pipe._faults.Duplicate ? 2 : 1;
            for (int i = 0; i < copies; i++)
            {
                long delay = pipe._faults.DelayMicroseconds + pipe._random.Next(pipe._faults.JitterMicroseconds + 1);
                pipe.Schedule(delay * 10, () => Peer.Receive(header, payload));
            }
        }

        private void Move()
        {
            pipe.Moves++;
            var source = Connection!;
            var sequence = source.Sequence;
            CopiedAhead ahead = default;
            (long sendFrom, long receiveFrom) = (long.MinValue, long.MinValue);
            if (pipe._random.Next(2) == 0)
            {
                // Bytes copied ahead, while serving.
                var early = source.ToSnapshot(Now);
                ahead = new(Copy(early.SendQueue), Copy(early.ReceiveQueue));
                (sendFrom, receiveFrom) = (ahead.Send.End, ahead.Receive.End);
            }

            source.Freeze(Now);
            var image = source.ToImage(Now, sendFrom, receiveFrom);
            if (pipe._random.Next(5) == 0)
            {
                pipe.Schedule(pipe._random.Next(100_000), () =>
                {
                    source.Thaw(Now);
                    Resume();
                });
                return;
            }

            pipe.Schedule(pipe._random.Next(100_000), () =>
            {
                source.Release();
                _clock = pipe._random.NextInt64(TimeSpan.TicksPerDay);
                pipe.Require(TcpConnection.TryRestore(image, settings, Now, ahead, out var restored), "refused");
                Assert.Equal(sequence, restored!.Sequence);
                Connection = restored;
                restored.Thaw(Now);
                restored.KickAfterMove(Now);
                Resume();
            });

            static QueuedBytes Copy(QueuedBytes bytes)
            {
                var copy = new byte[bytes.Length];
                bytes.First.CopyTo(copy);
                bytes.Second.CopyTo(copy.AsMemory(bytes.First.Length));
                return new(bytes.Position, copy, default);
            }
        }

        private void Resume()
        {
            while (_held.TryDequeue(out var held))
            {
                Connection!.OnSegment(Now, held.Header, held.Payload);
            }

            Step();
        }

        private void CheckEmission(in TcpHeader header)
        {
            pipe.Require(!header.Has(TcpFlags.Rst), "RST");
            if (header.Has(TcpFlags.Syn))
            {
                _peerScale = header.Options.WindowScale ?? 0;
                return;
            }

            var edge = header.Acknowledgment + ((uint)header.Window << (Connection!.Receiver.Window.Scale == 0 ? 0 : _peerScale));
            pipe.Require(_edge is not { } before || edge >= before, "right edge back by");
            _edge = edge;
            if (header.Options.HasTimestamps)
            {
                uint value = header.Options.TimestampValue;
                pipe.Require(_tsval is not { } earlier || (int)(value - earlier) >= 0, "TSval back");
                _tsval = value;
            }
        }

        private void Check()
        {
            var c = Connection!;
            var now = c.Sequence;
            if (_seen.Iss == now.Iss && _seen.Irs == now.Irs)
            {
                pipe.Require(now.RcvNxt >= _seen.RcvNxt && now.SndUna >= _seen.SndUna && now.SndNxt >= _seen.SndNxt, "went back");
            }

            _seen = now;
            if (c.State != TcpState.Closed && now.SndNxt != now.SndUna)
            {
                pipe.Require(c.Timers.IsSet(TimerKind.Retransmit) ^ c.Timers.IsSet(TimerKind.Persist), "unacknowledged without a timer");
            }
        }
    }
}

using Baton.Wire;

namespace Baton.Tcp.Tests;

/// <summary>A path with one narrow link: a rate, a queue in front of it that drops what does not fit, a delay, random loss.</summary>
internal sealed record PathModel
{
    /// <summary>Bits a second.</summary>
    public required double Rate { get; init; }

    /// <summary>The round trip without a queue.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>Bytes that the queue holds.</summary>
    public required int Queue { get; init; }

    /// <summary>The share of data segments lost at random.</summary>
    public double Loss { get; init; }

    /// <summary>Bytes in the queue from which on ECN-capable packets are marked instead of waiting for a drop; 0: never.</summary>
    public int MarkFrom { get; init; }
}

/// <summary>Bulk transfers in virtual time that share a <see cref="PathModel"/>.</summary>
internal sealed class Bottleneck
{
    /// <summary>IPv4, TCP with timestamps, Ethernet.</summary>
    private const int Overhead = 20 + 32 + 18;

    private readonly PriorityQueue<Event, (long At, long Order)> _events = new();
    private readonly Stack<byte[]> _buffers = new();
    private readonly PathModel _path;
    private readonly Random _random;
    private readonly List<Flow> _flows = [];
    private long _order;
    private long _linkFree;

    public Bottleneck(PathModel path, int seed)
    {
        (_path, _random) = (path, new(seed));
    }

    public Instant Now { get; private set; } = Instant.Zero + TimeSpan.FromSeconds(1);

    /// <summary>Segments that the queue had no room for.</summary>
    public long Dropped { get; private set; }

    /// <summary>Segments lost at random.</summary>
    public long Lost { get; private set; }

    /// <summary>Segments that were marked.</summary>
    public long Marked { get; private set; }

    /// <summary>Says of each data segment, by the stream's position of its first byte, whether it is lost; null: none but by chance.</summary>
    public Func<long, bool>? Drops { get; set; }

    public Flow Start(TcpSettings settings)
    {
        var flow = new Flow(settings, _flows.Count, Now);
        _flows.Add(flow);
        Emit(flow, flow.Sender, toReceiver: true);
        return flow;
    }

    public void RunFor(TimeSpan time)
    {
        var end = Now + time;
        while (_events.TryPeek(out var next, out var at) && at.At <= end.Ticks)
        {
            _events.Dequeue();
            Now = new(at.At);
            Handle(next);
        }

        Now = end;
    }

    private void Handle(in Event e)
    {
        var connection = e.ToReceiver ? e.Flow.Receiver : e.Flow.Sender;
        if (e.IsTimer)
        {
            if (e.Generation != e.Flow.Generation(e.ToReceiver))
            {
                return;
            }

            connection!.OnDeadline(Now);
        }
        else
        {
            e.Flow.Deliver(e.ToReceiver, Now, e.Header, e.Payload.AsSpan(0, e.Length), e.Ecn);
            if (e.Payload.Length > 0)
            {
                _buffers.Push(e.Payload);
            }
        }

        if (e.Flow.Connection(e.ToReceiver) is { } acting)
        {
            Emit(e.Flow, acting, toReceiver: !e.ToReceiver);
        }
    }

    private void Emit(Flow flow, TcpConnection from, bool toReceiver)
    {
        if (toReceiver)
        {
            flow.Fill();
        }

        while (from.TryEmit(Now, 0, out var e))
        {
            Transmit(flow, toReceiver, in e);
        }

        // One live timer a connection: a later one makes the earlier void.
        if (from.NextDeadline != Instant.Never)
        {
            int generation = flow.Next(!toReceiver);
            long at = Math.Max(from.NextDeadline.Ticks, Now.Ticks);
            _events.Enqueue(new(flow, !toReceiver, default, [], 0, true, generation, 0), (at, _order++));
        }
    }

    private void Transmit(Flow flow, bool toReceiver, in TcpEmission e)
    {
        long arrival = Now.Ticks + (_path.RoundTrip.Ticks / 2);
        byte ecn = 0;
        if (toReceiver)
        {
            long waiting = Math.Max(0, _linkFree - Now.Ticks);
            long queued = (long)(waiting / (double)TimeSpan.TicksPerSecond * _path.Rate / 8);
            if (queued + e.PayloadLength > _path.Queue)
            {
                Dropped++;
                return;
            }

            ecn = e.Ecn;
            if (ecn != EcnCodepoint.NotCapable && _path.MarkFrom > 0 && queued > _path.MarkFrom)
            {
                ecn = EcnCodepoint.Congested;
                Marked++;
            }

            double seconds = (e.PayloadLength + Overhead) * 8 / _path.Rate;
            _linkFree = Math.Max(_linkFree, Now.Ticks) + (long)(seconds * TimeSpan.TicksPerSecond);
            arrival += _linkFree - Now.Ticks;
            if (_random.NextDouble() < _path.Loss || (e.PayloadLength > 0 && Drops?.Invoke(e.Header.Sequence.Value - Flow.FirstByte) == true))
            {
                Lost++;
                return;
            }
        }

        var buffer = e.PayloadLength == 0 ? [] : _buffers.TryPop(out var free) ? free : new byte[2048];
        e.Payload.CopyTo(buffer);
        e.MorePayload.CopyTo(buffer.AsSpan(e.Payload.Length));
        _events.Enqueue(new(flow, toReceiver, e.Header, buffer, e.PayloadLength, false, 0, ecn), (arrival, _order++));
    }

    private readonly record struct Event(
        Flow Flow, bool ToReceiver, TcpHeader Header, byte[] Payload, int Length, bool IsTimer, int Generation, byte Ecn);

    /// <summary>One transfer.</summary>
    internal sealed class Flow
    {
        /// <summary>The sequence number of the stream's first byte.</summary>
        public const uint FirstByte = InitialNumber + 1;

        private const uint InitialNumber = 77;
        private static readonly byte[] Data = new byte[256 * 1024];
        private readonly byte[] _sink = new byte[256 * 1024];
        private readonly TcpSettings _settings;
        private readonly FourTuple _tuple;
        private int _senderGeneration;
        private int _receiverGeneration;

        public Flow(TcpSettings settings, int index, Instant now)
        {
            _settings = settings;
            _tuple = Script.Tuple with { LocalPort = (ushort)(1000 + index) };
            Sender = TcpConnection.Connect(settings, _tuple, new(InitialNumber), 0, now);
        }

        public TcpConnection Sender { get; }

        public TcpConnection? Receiver { get; private set; }

        public long Received { get; private set; }

        public TcpConnection? Connection(bool receiver) => receiver ? Receiver : Sender;

        public int Generation(bool receiver) => receiver ? _receiverGeneration : _senderGeneration;

        public int Next(bool receiver) => receiver ? ++_receiverGeneration : ++_senderGeneration;

        public void Fill()
        {
            if (Sender.WriteCapacity >= Data.Length)
            {
                Sender.Write(Data);
            }
        }

        public void Deliver(bool toReceiver, Instant now, in TcpHeader header, ReadOnlySpan<byte> payload, byte ecn)
        {
            if (toReceiver && Receiver is null)
            {
                Receiver = TcpConnection.Accept(_settings, _tuple.Reversed, header, new(99), 0, now);
                return;
            }

            Connection(toReceiver)!.OnSegment(now, header, payload, ecn);
            if (toReceiver)
            {
                int count;
                while ((count = Receiver!.Read(_sink)) > 0)
                {
                    Received += count;
                }
            }
        }
    }
}

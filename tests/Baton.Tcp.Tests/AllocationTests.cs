using Baton.Testing;
using Baton.Wire;

namespace Baton.Tcp.Tests;

public class AllocationTests
{
    [Theory]
    [InlineData(1460, 0)]
    [InlineData(65535, 0)]
    [InlineData(1460, 50)]
    public void Nothing_is_allocated_per_segment_after_warm_up(int maxSegment, int lossPerMille)
    {
        var pair = new DirectPair(maxSegment, lossPerMille);
        long segments = 0;
        long allocated = Allocation.Steady(() => segments = pair.Transfer(10_000_000));
        Assert.True(allocated == 0, $"{allocated} bytes for {segments} segments");
    }

    /// <summary>Two connections joined without a queue: each emission is handed over at once.</summary>
    private sealed class DirectPair
    {
        private readonly TcpConnection _left;
        private readonly TcpConnection _right;
        private readonly byte[] _buffer = new byte[256 * 1024];
        private readonly byte[] _wire = new byte[65536];
        private readonly int _maxSegment;
        private readonly int _loss;
        private uint _random = 12345;
        private Instant _now = Instant.Zero + TimeSpan.FromSeconds(1);
        private long _segments;

        public DirectPair(int maxSegment, int lossPerMille)
        {
            (_maxSegment, _loss) = (maxSegment, lossPerMille);
            var settings = TcpSettings.Default with { InFlight = new() };
            _left = TcpConnection.Connect(settings, Script.Tuple, new(1), 0, _now);
            _left.TryEmit(_now, maxSegment, out var syn);
            _right = TcpConnection.Accept(settings, Script.Tuple.Reversed, syn.Header, new(2), 0, _now);
        }

        public long Transfer(long bytes)
        {
            _segments = 0;
            long read = 0;
            while (read < bytes)
            {
                _left.Write(_buffer);
                bool moved = Pump(_left, _right, _loss) | Pump(_right, _left, 0);
                int count = _right.Read(_buffer);
                read += count;
                _now += TimeSpan.FromMicroseconds(50);
                if (!moved && count == 0)
                {
                    _now = Instant.Max(_now, Instant.Min(_left.NextDeadline, _right.NextDeadline));
                }

                _left.OnDeadline(_now);
                _right.OnDeadline(_now);
            }

            return _segments;
        }

        private bool Pump(TcpConnection from, TcpConnection to, int loss)
        {
            bool any = false;
            while (from.TryEmit(_now, _maxSegment, out var e))
            {
                any = true;
                _segments++;
                e.Payload.CopyTo(_wire);
                e.MorePayload.CopyTo(_wire.AsSpan(e.Payload.Length));
                _random = (_random * 1664525) + 1013904223;
                if (_random >> 16 < loss * 65)
                {
                    continue;
                }

                to.OnSegment(_now, e.Header, _wire.AsSpan(0, e.PayloadLength));
            }

            return any;
        }
    }
}

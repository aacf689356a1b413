using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// One capture under way: frames go into a ring on the packet thread and from there into the file on a thread of the
/// capture's own, so the disk never holds up a packet.
/// </summary>
internal sealed class CaptureFile : IDisposable
{
    private const string Application = "baton";

    // How long a frame waits for the file at most, unless the ring fills up.
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly CaptureRing _ring;
    private readonly FileStream _file;
    private readonly Thread _writer;
    private readonly AutoResetEvent _work = new(false);
    private readonly Func<Instant> _clock;
    private readonly int _snapLength;
    private readonly bool _waitsForRoom;
    private readonly string _path;
    private bool _isOver;
    private bool _isAsked;
    private Exception? _failure;
    private long _frames;
    private long _dropped;
    private long _bytes;

    /// <exception cref="LinkException">The file cannot be written.</exception>
    public CaptureFile(CaptureOptions options, string interfaceName, MacAddress address)
    {
        _path = options.Path;
        _snapLength = options.SnapLength > 0 ? options.SnapLength : int.MaxValue;
        _waitsForRoom = options.WaitsForRoom;
        _clock = options.Clock ?? TimeOfDay();
        try
        {
            _file = new FileStream(options.Path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
            _file.Write(PcapngBlocks.FileHeader(Application, interfaceName, address, Math.Max(options.SnapLength, 0)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            _work.Dispose();
            throw new LinkException($"Capture file {options.Path} cannot be written: {e.Message}", "choose a path in a folder that exists and may be written");
        }

        _ring = new CaptureRing(options.RingBytes);
        _writer = new Thread(Write) { Name = $"capture {interfaceName}", IsBackground = true };
        _writer.Start();
    }

    public CaptureStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return new(_frames, _dropped, _bytes);
            }
        }
    }

    public Instant Now => _clock();

    /// <summary>Copies a frame into the ring; when there is no room, waits for it or counts the frame as dropped.</summary>
    public void Record(
        Instant time, CaptureDirection direction, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        while (!TryRecord(time, direction, offload, headers, payload, more))
        {
            // Not under the lock, which the writer needs to go on.
            _work.Set();
            Thread.Yield();
        }
    }

    /// <summary>Writes what waits and the statistics, and closes the file.</summary>
    /// <exception cref="LinkException">Writing failed on the way; the file ends there.</exception>
    public CaptureStatistics Finish()
    {
        lock (_gate)
        {
            _isOver = true;
        }

        _work.Set();
        _writer.Join();
        _work.Dispose();
        _file.Dispose();
        return _failure is null
            ? Statistics
            : throw new LinkException($"Capture file {_path} is not complete: {_failure.Message}", "free space on that disk, or lower the snap length");
    }

    public void Dispose() => Finish();

    private bool TryRecord(
        Instant time, CaptureDirection direction, FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return true;
            }

            int original = headers.Length + payload.Length + more.Length;
            int captured = Math.Min(original, _snapLength);
            int length = PcapngBlocks.EnhancedPacketOverhead + PcapngFormat.Padded(captured);
            var block = _failure is null ? _ring.Reserve(length) : default;
            if (block.IsEmpty && _waitsForRoom && _failure is null)
            {
                return false;
            }

            _frames++;
            _bytes += original;
            if (block.IsEmpty)
            {
                _dropped++;
                return true;
            }

            var data = block.Slice(PcapngFormat.EnhancedPacketHeader, captured);
            Gather(headers, payload, more, data);
            if (offload.Checksum == ChecksumState.Partial && captured == original)
            {
                FrameLayout.CompleteChecksum(data);
            }

            PcapngBlocks.WriteAround(block, time.Ticks * TimeSpan.NanosecondsPerTick, captured, original, direction);
            _ring.Commit(length);
            if (!_isAsked && _ring.Waiting > _ring.Capacity / 4)
            {
                _isAsked = true;
                _work.Set();
            }

            return true;
        }
    }

    private static Func<Instant> TimeOfDay()
    {
        long offset = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks - MonotonicClock.Now.Ticks;
        return () => new(MonotonicClock.Now.Ticks + offset);
    }

    private static void Gather(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more, Span<byte> data)
    {
        Take(headers, ref data);
        Take(payload, ref data);
        Take(more, ref data);

        static void Take(ReadOnlySpan<byte> part, ref Span<byte> data)
        {
            int length = Math.Min(part.Length, data.Length);
            part[..length].CopyTo(data);
            data = data[length..];
        }
    }

    private void Write()
    {
        try
        {
            bool over;
            do
            {
                _work.WaitOne(s_rest);
                lock (_gate)
                {
                    // Read before the ring is emptied: nothing is recorded after it was set.
                    over = _isOver;
                    _isAsked = false;
                }

                for (var bytes = _ring.Peek(); !bytes.IsEmpty; bytes = _ring.Peek())
                {
                    _file.Write(bytes);
                    _ring.Release(bytes.Length);
                }
            }
            while (!over);

            _file.Write(PcapngBlocks.Statistics(Now.Ticks * TimeSpan.NanosecondsPerTick, Statistics));
        }
        catch (IOException e)
        {
            lock (_gate)
            {
                _failure = e;
            }
        }
    }
}

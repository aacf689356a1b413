using Baton.Wire;

namespace Baton.Link;

/// <summary>
/// Captures what passes any link into a pcapng file, while a capture is on. Super-frames are captured as they pass;
/// checksums that are left to the device are completed in the captured copy where the whole frame is kept, and tools do
/// not check those of frames that were cut. Starting and stopping is safe from any thread; the rest is the link's thread's.
/// </summary>
public sealed class CaptureLink : ILink, IFrameReceiver
{
    private readonly ILink _inner;
    private volatile CaptureFile? _file;
    private int _sending;
    private IFrameReceiver? _receiver;

    /// <summary>Wraps <paramref name="inner"/>, which is disposed with this link.</summary>
    /// <param name="inner">The link to watch.</param>
    /// <param name="options">The capture to start with, or null for none yet.</param>
    /// <exception cref="LinkException">The file cannot be written.</exception>
    public CaptureLink(ILink inner, CaptureOptions? options = null)
    {
        _inner = inner;
        if (options is not null)
        {
            Start(options);
        }
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public MacAddress Address => _inner.Address;

    /// <inheritdoc/>
    public int Mtu => _inner.Mtu;

    /// <inheritdoc/>
    public LinkOffloads Offloads => _inner.Offloads;

    /// <inheritdoc/>
    public int WaitDescriptor => _inner.WaitDescriptor;

    /// <inheritdoc/>
    public Instant NextDeadline => _inner.NextDeadline;

    /// <summary>Whether a capture is on.</summary>
    public bool IsCapturing => _file is not null;

    /// <summary>What the present capture saw so far; zeros when none is on.</summary>
    public CaptureStatistics Statistics => _file?.Statistics ?? default;

    /// <summary>Starts a capture.</summary>
    /// <exception cref="InvalidOperationException">One is on.</exception>
    /// <exception cref="LinkException">The file cannot be written.</exception>
    public void Start(CaptureOptions options)
    {
        if (_file is not null)
        {
            throw new InvalidOperationException($"Link {Name} is being captured already.");
        }

        var file = new CaptureFile(options, Name, Address);
        if (Interlocked.CompareExchange(ref _file, file, null) is not null)
        {
            file.Finish();
            throw new InvalidOperationException($"Link {Name} is being captured already.");
        }
    }

    /// <summary>
    /// Ends the capture, if one is on; its file is complete when this returns, with every frame that anybody has received by now.
    /// </summary>
    /// <returns>What it saw.</returns>
    /// <exception cref="LinkException">The file is not complete.</exception>
    public CaptureStatistics Stop()
    {
        var file = Interlocked.Exchange(ref _file, null);
        var wait = new SpinWait();
        while (Volatile.Read(ref _sending) != 0)
        {
            wait.SpinOnce();
        }

        return file?.Finish() ?? default;
    }

    /// <inheritdoc/>
    public int Receive(IFrameReceiver receiver, int limit)
    {
        _receiver = receiver;
        int given = _inner.Receive(this, limit);
        _receiver = null;
        return given;
    }

    /// <inheritdoc/>
    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default)
    {
        if (_file is null)
        {
            return _inner.TrySend(offload, headers, payload, more);
        }

        // A full fence: either this sees that the capture has been stopped, or Stop sees this and waits for its record.
        Interlocked.Exchange(ref _sending, 1);
        try
        {
            // The time is taken before the frame leaves, so that no answer to it is captured as earlier.
            var file = _file;
            var time = file?.Now ?? default;
            bool sent = _inner.TrySend(offload, headers, payload, more);
            if (sent)
            {
                file?.Record(time, CaptureDirection.Outbound, offload, headers, payload, more);
            }

            return sent;
        }
        finally
        {
            Volatile.Write(ref _sending, 0);
        }
    }

    /// <inheritdoc/>
    public void Flush() => _inner.Flush();

    /// <summary>Ends the capture and disposes the inner link.</summary>
    public void Dispose()
    {
        try
        {
            Stop();
        }
        finally
        {
            _inner.Dispose();
        }
    }

    void IFrameReceiver.OnFrame(ILink link, FrameOffload offload, Span<byte> frame)
    {
        if (_file is { } file)
        {
            file.Record(file.Now, CaptureDirection.Inbound, offload, frame, default, default);
        }

        _receiver!.OnFrame(this, offload, frame);
    }
}

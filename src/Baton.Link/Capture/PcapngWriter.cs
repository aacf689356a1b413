using Baton.Wire;

namespace Baton.Link;

/// <summary>Writes frames that were captured before into a new pcapng file of one interface: for merging captures.</summary>
public sealed class PcapngWriter : IDisposable
{
    private readonly Stream _stream;
    private byte[] _block = new byte[4096];
    private long _bytes;
    private long _lastTime;

    /// <summary>Begins a file in <paramref name="stream"/>, which is disposed with the writer.</summary>
    /// <param name="stream">Where it is written; buffered by the caller's choice.</param>
    /// <param name="interfaceName">The interface's name in the file.</param>
    /// <param name="snapLength">The limit that the frames were captured with; 0 for none.</param>
    public PcapngWriter(Stream stream, string interfaceName, int snapLength)
    {
        _stream = new BufferedStream(stream, 1 << 18);
        _stream.Write(PcapngBlocks.FileHeader("baton", interfaceName, default, snapLength));
    }

    /// <summary>Frames written.</summary>
    public long Frames { get; private set; }

    /// <summary>Writes one frame.</summary>
    public void Write(in CapturedFrame frame)
    {
        int length = PcapngBlocks.EnhancedPacketOverhead + PcapngFormat.Padded(frame.Data.Length);
        if (_block.Length < length)
        {
            _block = new byte[length];
        }

        var block = _block.AsSpan(0, length);
        frame.Data.Span.CopyTo(block[PcapngFormat.EnhancedPacketHeader..]);
        PcapngBlocks.WriteAround(block, frame.TimeNanoseconds, frame.Data.Length, frame.OriginalLength, frame.Direction);
        _stream.Write(block);
        Frames++;
        _bytes += frame.OriginalLength;
        _lastTime = frame.TimeNanoseconds;
    }

    /// <summary>Ends the file with its statistics.</summary>
    /// <param name="dropped">Frames that the captures it was made of lack.</param>
    public void Finish(long dropped) =>
        _stream.Write(PcapngBlocks.Statistics(_lastTime, new CaptureStatistics(Frames + dropped, dropped, _bytes)));

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}

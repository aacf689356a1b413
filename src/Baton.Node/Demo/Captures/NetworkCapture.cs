using Baton.Link;
using Baton.Wire;

namespace Baton.Node.Demo;

/// <summary>Sees each frame of a network once, in order of time.</summary>
internal delegate void FrameVisitor(ReadOnlySpan<byte> frame);

/// <summary>
/// Merges the nodes' captures of one network into one file. Each frame is taken once: where its sender captured it, or,
/// for senders outside the farm, where its receiver did.
/// </summary>
internal static class NetworkCapture
{
    /// <summary>Merges, and shows every frame to <paramref name="visit"/>; gives the number of frames.</summary>
    public static long Merge(string network, IReadOnlyList<string> inputs, string output, int snapLength, long dropped, FrameVisitor visit)
    {
        var sources = inputs.Select((path, index) => new Source(path, isFirst: index == 0)).ToList();
        using var writer = new PcapngWriter(File.Create(output), network, snapLength);
        try
        {
            sources.RemoveAll(source => !source.MoveNext());
            while (sources.Count > 0)
            {
                var next = sources.MinBy(source => source.Frame.TimeNanoseconds)!;
                writer.Write(next.Frame);
                visit(next.Frame.Data.Span);
                if (!next.MoveNext())
                {
                    sources.Remove(next);
                    next.Dispose();
                }
            }
        }
        finally
        {
            sources.ForEach(source => source.Dispose());
        }

        writer.Finish(dropped);
        return writer.Frames;
    }

    private sealed class Source(string path, bool isFirst) : IDisposable
    {
        private readonly PcapngReader _reader = PcapngReader.Open(path);
        private CapturedFrame _frame;

        public CapturedFrame Frame => _frame;

        public bool MoveNext()
        {
            while (_reader.TryRead(out _frame))
            {
                if (_frame.Direction != CaptureDirection.Inbound || IsFromOutside(_frame.Data.Span))
                {
                    return true;
                }
            }

            return false;
        }

        public void Dispose() => _reader.Dispose();

        /// <summary>A broadcast reaches every node: the first one's copy is taken.</summary>
        private bool IsFromOutside(ReadOnlySpan<byte> frame) =>
            EthernetHeader.TryParse(frame, out var header)
            && !AddressPlan.V4.Nodes.Any(n => DemoConfiguration.FrontMac(n) == header.Source || DemoConfiguration.LanMac(n) == header.Source)
            && (isFirst || !header.Destination.IsMulticast);
    }
}

using Baton.Link;

namespace Baton.RealPackets.Tests;

/// <summary>A capture on one link, of whole frames if not said otherwise, from its start until it is read.</summary>
internal sealed class Capture : IDisposable
{
    private readonly CaptureLink _link;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"baton-real-{Guid.NewGuid():n}.pcapng");
    private bool _stopped;

    public Capture(CaptureLink link, int snapLength = 0)
    {
        _link = link;
        link.Start(new CaptureOptions { Path = _path, SnapLength = snapLength, WaitsForRoom = true });
    }

    /// <summary>Ends the capture.</summary>
    /// <returns>What passed, in order.</returns>
    public IReadOnlyList<CapturedPacket> Stop()
    {
        _stopped = true;
        Assert.Equal(0, _link.Stop().Dropped);
        using var reader = PcapngReader.Open(_path);
        var packets = new List<CapturedPacket>();
        while (reader.TryRead(out var frame))
        {
            packets.Add(new CapturedPacket(frame.TimeNanoseconds, frame.Direction, frame.Data.ToArray()));
        }

        return packets;
    }

    /// <summary>Ends the capture for a tool to read its file, which is there until this is disposed.</summary>
    public string StopFile()
    {
        _stopped = true;
        Assert.Equal(0, _link.Stop().Dropped);
        return _path;
    }

    public void Dispose()
    {
        if (!_stopped)
        {
            _link.Stop();
        }

        File.Delete(_path);
    }
}

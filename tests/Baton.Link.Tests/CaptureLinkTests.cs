using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class CaptureLinkTests : IDisposable
{
    private static readonly FrameOffload s_partial = new(ChecksumState.Partial, GsoType.None, 0);
    private static readonly FrameOffload s_super = new(ChecksumState.Partial, GsoType.TcpV4, 1460);

    private readonly string _folder = Directory.CreateTempSubdirectory("baton-capture").FullName;
    private readonly MemoryNetwork _network = new(1) { CarriesSuperFrames = true };

    public static bool HasTshark { get; } = Run("tshark", ["--version"]) is not null;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_passes_a_link_is_read_back_with_time_length_and_direction()
    {
        string path = Capture(snapLength: 100);

        using var reader = PcapngReader.Open(path);
        var frames = ReadAll(reader);

        Assert.Equal(["front"], reader.InterfaceNames);
        Assert.Equal(0, reader.Dropped);
        Assert.Equal(
            [
                (1_000_000_000, 64, 64, CaptureDirection.Outbound),
                (1_000_000_100, 54 + 100, 100, CaptureDirection.Outbound),
                (1_000_000_200, 54 + 9001, 100, CaptureDirection.Outbound),
                (2_000_000_000, 61, 61, CaptureDirection.Inbound),
            ],
            frames.Select(f => (f.Frame.TimeNanoseconds, f.Frame.OriginalLength, f.Data.Length, f.Frame.Direction)));
        Assert.Equal(Frames.Numbered(Frames.A, Frames.B, 7), frames[0].Data);
    }

    [Fact]
    public async Task A_frame_that_its_receiver_has_is_in_a_capture_that_is_stopped_then()
    {
        CaptureLink? link = null;
        Task<CaptureStatistics>? stopped = null;
        var left = new PassingLink(
            _network.Attach(new MemoryLinkOptions { Name = "front", Address = Frames.A }),
            () =>
            {
                // Another thread has seen the frame, and stops; were it not to wait for this one, it would be done soon.
                stopped = Task.Run(() => link!.Stop());
                stopped.Wait(TimeSpan.FromMilliseconds(200));
            });
        link = new CaptureLink(left, new CaptureOptions { Path = Path.Combine(_folder, "front.pcapng") });
        Assert.True(link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 7), default));

        Assert.Equal(1, (await stopped!).Frames);
        Assert.False(link.IsCapturing);
    }

    [Fact]
    public void A_checksum_left_to_the_device_is_complete_in_a_whole_captured_frame()
    {
        using var reader = PcapngReader.Open(Capture(snapLength: 0));
        var frames = ReadAll(reader);

        Assert.Equal(Frames.Tcp(Frames.A, Frames.B, 100), frames[1].Data);
        Assert.Equal(Frames.Tcp(Frames.A, Frames.B, 9001), frames[2].Data);
    }

    [Theory(Skip = "tshark is not installed: apt-get install tshark", SkipUnless = nameof(HasTshark))]
    [InlineData(0)]
    [InlineData(160)]
    [InlineData(61)]
    public void Tshark_reads_every_frame_and_finds_nothing_wrong(int snapLength)
    {
        string path = Capture(snapLength);

        string[] lines = Run("tshark", ["-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=,",
            "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.packet_flags_direction", "-e", "tcp.checksum.status",
            "-e", "_ws.malformed"])!.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        // Checksum status 1 is good, 2 not checked (as the frame was cut); 0 would be bad.
        string Row(string time, int length, int direction, bool tcp = true)
        {
            int captured = snapLength == 0 ? length : Math.Min(length, snapLength);
            string status = !tcp ? "" : captured == length ? "1" : "2";
            return string.Create(CultureInfo.InvariantCulture, $"{time},{length},{captured},0x0000000{direction},{status},");
        }

        Assert.Equal(
            [Row("1.000000000", 64, 2, tcp: false), Row("1.000000100", 154, 2), Row("1.000000200", 9055, 2), Row("2.000000000", 61, 1)],
            lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_frame_is_in_the_file_or_counted_as_dropped(bool waits)
    {
        var (link, path) = Link();
        byte[] frame = Frames.Numbered(Frames.A, Frames.B, 1, 1500);
        link.Start(new CaptureOptions { Path = path, SnapLength = 0, RingBytes = 1, WaitsForRoom = waits });
        for (int i = 0; i < 20_000; i++)
        {
            link.TrySend(FrameOffload.None, frame, default);
        }

        var statistics = link.Stop();
        using var reader = PcapngReader.Open(path);
        var frames = ReadAll(reader);

        Assert.Equal((20_000, 20_000 * 1500L), (statistics.Frames, statistics.Bytes));
        Assert.Equal(20_000, frames.Count + statistics.Dropped);
        Assert.Equal(statistics.Dropped, reader.Dropped);
        Assert.True(!waits || statistics.Dropped == 0);
        Assert.All(frames, f => Assert.True(f.Data.AsSpan().SequenceEqual(frame)));
    }

    [Fact]
    public void A_capture_can_be_started_and_stopped_while_the_link_runs()
    {
        var (link, path) = Link();
        link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 1), default);
        link.Start(new CaptureOptions { Path = path });
        link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 2), default);
        Assert.Equal(new CaptureStatistics(1, 0, 64), link.Statistics);
        Assert.Throws<InvalidOperationException>(() => link.Start(new CaptureOptions { Path = path + "2" }));
        link.Stop();
        link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 3), default);
        Assert.Equal(default, link.Stop());

        using var reader = PcapngReader.Open(path);
        Assert.Equal([2], ReadAll(reader).Select(f => Frames.NumberOf(f.Data)));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_an_error_at_the_start()
    {
        var (link, path) = Link();

        Assert.Throws<LinkException>(() => link.Start(new CaptureOptions { Path = Path.Combine(path, "no", "such") }));
        Assert.False(link.IsCapturing);
    }

    [Fact]
    public void A_full_disk_is_an_error_at_the_start()
    {
        var (link, _) = Link();
        var error = Assert.Throws<LinkException>(() => link.Start(new CaptureOptions { Path = "/dev/full" }));

        Assert.Contains("/dev/full", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Three frames sent, one received, at known times.</summary>
    private string Capture(int snapLength)
    {
        var now = Instant.Zero + TimeSpan.FromSeconds(1);
        var (link, path) = Link();
        link.Start(new CaptureOptions { Path = path, SnapLength = snapLength, Clock = () => now });
        byte[] frame = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 100));
        byte[] super = Frames.WithPartialChecksum(Frames.Tcp(Frames.A, Frames.B, 9001));
        link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, 7), default);
        now += TimeSpan.FromTicks(1);
        link.TrySend(s_partial, frame.AsSpan(0, 54), frame.AsSpan(54, 30), frame.AsSpan(84));
        now += TimeSpan.FromTicks(1);
        link.TrySend(s_super, super.AsSpan(0, 54), super.AsSpan(54));

        now = Instant.Zero + TimeSpan.FromSeconds(2);
        _network.Links[1].TrySend(FrameOffload.None, Frames.Tcp(Frames.B, Frames.A, 7), default);
        _network.Deliver(now);
        var inbox = new Inbox();
        link.Receive(inbox, 10);
        Assert.Single(inbox.Received);
        Assert.Equal(4, link.Stop().Frames);
        return path;
    }

    private (CaptureLink Link, string Path) Link()
    {
        const LinkOffloads all = LinkOffloads.Checksum | LinkOffloads.Tso;
        var link = _network.Attach(new MemoryLinkOptions { Name = "front", Address = Frames.A, Offloads = all });
        _network.Attach(new MemoryLinkOptions { Name = "peer", Address = Frames.B, Offloads = all });
        return (new CaptureLink(link), Path.Combine(_folder, "front.pcapng"));
    }

    private static List<(CapturedFrame Frame, byte[] Data)> ReadAll(PcapngReader reader)
    {
        var frames = new List<(CapturedFrame, byte[])>();
        while (reader.TryRead(out var frame))
        {
            frames.Add((frame, frame.Data.ToArray()));
        }

        return frames;
    }

    private static string? Run(string program, string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}

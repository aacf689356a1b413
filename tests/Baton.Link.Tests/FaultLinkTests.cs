using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class FaultLinkTests
{
    private static readonly FaultProfile s_bad = new()
    {
        Loss = 0.1,
        Duplication = 0.1,
        Reordering = 0.1,
        Delay = TimeSpan.FromMilliseconds(1),
    };

    private readonly MemoryNetwork _network = new(1);
    private readonly MemoryLink _near;
    private readonly MemoryLink _far;
    private Instant _now;

    public FaultLinkTests()
    {
        _near = _network.Attach(new MemoryLinkOptions { Name = "near", Address = Frames.A });
        _far = _network.Attach(new MemoryLinkOptions { Name = "far", Address = Frames.B });
    }

    [Fact]
    public void A_perfect_link_changes_nothing_and_keeps_nothing()
    {
        using var link = Wrap(FaultProfile.Perfect, FaultProfile.Perfect);
        Send(link, 1);
        Assert.Equal([1], TakeFar());
        Reply(2);
        Assert.Equal([2], Take(link));
        Assert.Equal(Instant.Never, link.NextDeadline);
    }

    [Fact]
    public void A_delayed_frame_leaves_with_the_flush_that_the_deadline_asks_for()
    {
        using var link = Wrap(new FaultProfile { Delay = TimeSpan.FromMilliseconds(5) }, FaultProfile.Perfect);
        Send(link, 1);
        Assert.Empty(TakeFar());

        _now = link.NextDeadline;
        Assert.Equal(Instant.Zero + TimeSpan.FromMilliseconds(5), _now);
        link.Flush();
        Assert.Equal([1], TakeFar());
        Assert.Equal(Instant.Never, link.NextDeadline);
    }

    [Fact]
    public void A_delayed_incoming_frame_is_received_when_it_is_due()
    {
        using var link = Wrap(FaultProfile.Perfect, new FaultProfile { Delay = TimeSpan.FromMilliseconds(5) });
        Reply(1);
        Assert.Empty(Take(link));

        _now = link.NextDeadline;
        Assert.Equal([1], Take(link));
    }

    [Fact]
    public void The_same_seed_loses_repeats_and_reorders_the_same_frames()
    {
        var first = Run();
        Assert.Equal(first, Run());
        Assert.InRange(first.Distinct().Count(), 850, 950);
        Assert.InRange(first.Count - first.Distinct().Count(), 50, 150);
        Assert.NotEqual(first.Order(), first);

        List<int> Run()
        {
            using var link = Wrap(s_bad, FaultProfile.Perfect);
            for (int i = 0; i < 1000; i++)
            {
                Send(link, i);
                _now += TimeSpan.FromMicroseconds(100);
            }

            while (link.NextDeadline != Instant.Never)
            {
                _now = link.NextDeadline;
                link.Flush();
            }

            return TakeFar();
        }
    }

    private FaultLink Wrap(FaultProfile outgoing, FaultProfile incoming) => new(new PassingLink(_near), outgoing, incoming, seed: 3, () => _now);

    private static void Send(FaultLink link, int number)
    {
        Assert.True(link.TrySend(FrameOffload.None, Frames.Numbered(Frames.A, Frames.B, number), default));
        link.Flush();
    }

    private void Reply(int number)
    {
        _far.TrySend(FrameOffload.None, Frames.Numbered(Frames.B, Frames.A, number), default);
        _network.Deliver(_now);
    }

    private List<int> TakeFar()
    {
        _network.Deliver(_now);
        return Take(_far);
    }

    private static List<int> Take(ILink link)
    {
        var inbox = new Inbox();
        link.Receive(inbox, int.MaxValue);
        return [.. inbox.Numbers];
    }
}

using System.Diagnostics;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

public sealed class PollSetTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void A_wake_before_the_wait_ends_it_at_once_and_only_once()
    {
        using var poll = new PollSet();
        poll.Wake();
        poll.Wake();

        long start = Stopwatch.GetTimestamp();
        Assert.Equal(0, poll.Wait(60 * Second));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));

        start = Stopwatch.GetTimestamp();
        poll.Wait(2_000_000);
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(2));
    }

    [Fact]
    public void No_wake_from_another_thread_is_missed()
    {
        using var poll = new PollSet();
        using var done = new SemaphoreSlim(0);
        const int rounds = 20_000;
        int posted = 0;
        var poster = new Thread(() =>
        {
            for (int i = 1; i <= rounds; i++)
            {
                Volatile.Write(ref posted, i);
                poll.Wake();
                done.Wait();
            }
        });
        poster.Start();
        for (int seen = 0; seen < rounds;)
        {
            int now = Volatile.Read(ref posted);
            if (now > seen)
            {
                seen = now;
                done.Release();
                continue;
            }

            poll.Wait(-1);
        }

        poster.Join();
    }

    [Fact]
    public void A_wait_ends_at_its_deadline_and_not_before()
    {
        using var poll = new PollSet();
        var deadline = MonotonicClock.Now + TimeSpan.FromMilliseconds(3);

        poll.Wait(MonotonicClock.Now, deadline);

        Assert.True(MonotonicClock.Now >= deadline);
        Assert.Equal(0, poll.Wait(deadline + TimeSpan.FromSeconds(1), deadline));
    }

    [Fact]
    public void Waiting_and_waking_allocate_nothing()
    {
        using var poll = new PollSet();
        Assert.Equal(0, Allocation.Steady(Rounds));

        void Rounds()
        {
            for (int i = 0; i < 100; i++)
            {
                poll.Wake();
                poll.Wait(-1);
                poll.Wait(0);
            }
        }
    }

    [Fact]
    public void A_wake_after_the_end_does_nothing()
    {
        var poll = new PollSet();
        poll.Dispose();
        poll.Wake();
        Assert.Throws<ObjectDisposedException>(() => poll.Wait(0));
    }

    [Fact(Skip = TestNamespace.RootOnly, SkipUnless = nameof(TestNamespace.IsRoot), SkipType = typeof(TestNamespace))]
    public void It_says_which_descriptor_is_ready()
    {
        using var space = new TestNamespace();
        using var quiet = TapLink.Open(new TapOptions { Name = "quiet", Namespace = space.Name });
        using var busy = TapLink.Open(new TapOptions { Name = "busy", Namespace = space.Name });
        using var poll = new PollSet(2);
        int first = poll.Add(quiet.WaitDescriptor);
        int second = poll.Add(busy.WaitDescriptor);
        Assert.Throws<InvalidOperationException>(() => poll.Add(-1));
        Assert.Equal(0, poll.Wait(0));
        space.AddAddress("busy", "192.0.2.1/24");
        using var socket = space.Open(System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
        socket.SendTo([1], new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.9"), 9));

        Assert.Equal(1, poll.Wait(10 * Second));
        Assert.Equal((false, true), (poll.IsReady(first), poll.IsReady(second)));
        Assert.Equal(1, busy.Receive(new Inbox(), 16));
    }
}

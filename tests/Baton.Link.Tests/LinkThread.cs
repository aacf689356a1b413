namespace Baton.Link.Tests;

/// <summary>Gives what a link receives to a receiver, on a thread of its own, until disposed; failures come out there.</summary>
internal sealed class LinkThread : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private Exception? _failure;

    private LinkThread(Action<CancellationToken> run, bool mayBeCut = false)
    {
        _thread = new Thread(() =>
        {
            try
            {
                run(_stop.Token);
            }
            catch (LinkException) when (mayBeCut)
            {
                // A test that deletes an interface of it.
            }
            catch (Exception e)
            {
                _failure = e;
            }
        });
        _thread.Start();
    }

    public static LinkThread Serve(ILink link, IFrameReceiver receiver) => new(stop =>
    {
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        using var registration = stop.Register(poll.Wake);
        while (!stop.IsCancellationRequested)
        {
            link.Receive(receiver, 64);
            link.Flush();
            poll.Wait(MonotonicClock.Now, link.NextDeadline);
        }
    });

    /// <param name="relay">What runs.</param>
    /// <param name="mayBeCut">Whether the end of one of its links is no failure.</param>
    public static LinkThread Run(Relay relay, bool mayBeCut = false) => new(relay.Run, mayBeCut);

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
        Assert.Null(_failure);
    }
}

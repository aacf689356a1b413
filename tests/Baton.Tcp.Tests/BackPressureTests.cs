namespace Baton.Tcp.Tests;

public class BackPressureTests
{
    private static readonly TcpSettings Settings = TcpSettings.Default with { Timestamps = false };

    [Fact]
    public void No_more_is_taken_than_may_be_unsent()
    {
        var s = Script.Established(Settings with { NotSentLimit = 4000 }, mss: 1000, window: 3000);
        Assert.Equal(4000, s.Write(10_000));
        Assert.Equal(3, s.OutAll().Count);
        Assert.Equal(1000 + 2000, s.Connection.WriteCapacity);
        Assert.Equal(3000, s.Write(10_000));
        Assert.Equal(0, s.Connection.WriteCapacity);
    }

    [Fact]
    public void The_writer_is_told_when_a_quarter_of_it_may_be_written()
    {
        var s = Script.Established(Settings with { NotSentLimit = 4000 }, mss: 1000, window: 3000);
        s.Write(4000);
        s.Write(10_000);
        s.Connection.TakeEvents();
        s.In(".", 1, ack: 501, window: 3000);
        Assert.Equal(TcpEvents.None, s.Connection.TakeEvents());
        s.In(".", 1, ack: 1001, window: 3000);
        Assert.Equal(TcpEvents.Writable, s.Connection.TakeEvents());
    }

    [Fact]
    public void Corked_only_full_segments_go_and_uncorked_the_rest()
    {
        var s = Script.Established(Settings, mss: 1000);
        s.Do(c => c.Corked = true);
        s.Write(300);
        s.Write(300);
        s.OutNothing();
        s.Write(1000);
        s.Out(".", 1, len: 1000);
        s.OutNothing();
        s.Do(c => c.Corked = false).Out(".", 1001, len: 600);
    }

    [Fact]
    public void What_is_corked_goes_after_the_override_time_or_with_a_fin()
    {
        var s = Script.Established(Settings, mss: 1000);
        s.Do(c => c.Corked = true);
        s.Write(300);
        s.At(199).OutNothing();
        s.At(200).Out(".", 1, len: 300);
        s.In(".", 1, ack: 301);
        s.Write(200);
        s.OutNothing();
        s.Do(c => c.CloseWrite(s.Now)).Out("F.", 301, len: 200);
    }

    [Fact]
    public void A_cork_and_the_limit_move_with_the_connection()
    {
        var s = Script.Established(Settings, mss: 1000);
        s.Do(c => (c.Corked, c.NotSentLimit) = (true, 5000));
        s.Write(300);
        s.Move(TimeSpan.FromSeconds(1));
        s.OutNothing();
        Assert.Equal((true, 4700), (s.Connection.Corked, s.Connection.WriteCapacity));
    }
}

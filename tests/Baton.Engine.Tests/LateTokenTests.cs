namespace Baton.Engine.Tests;

public sealed class LateTokenTests
{
    private LateToken _token;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_asks_before_or_after_it_is_cancelled_has_a_cancelled_token(bool asksBefore)
    {
        var cancelled = new TaskCompletionSource();
        if (asksBefore)
        {
            Assert.False(_token.Token.IsCancellationRequested);
        }

        using var registration = asksBefore ? _token.Token.Register(cancelled.SetResult) : default;
        _token.Cancel();
        if (asksBefore)
        {
            await cancelled.Task;
        }

        Assert.True(_token.IsCancelled);
        Assert.True(_token.Token.IsCancellationRequested);
    }

    [Fact]
    public void A_renewed_token_is_another_and_the_cancelled_one_stays_so()
    {
        var first = _token.Token;
        _token.Cancel();
        _token.Renew();

        Assert.False(_token.IsCancelled);
        Assert.False(_token.Token.IsCancellationRequested);
        Assert.NotEqual(first, _token.Token);
        Assert.True(SpinWait.SpinUntil(() => first.IsCancellationRequested, TimeSpan.FromSeconds(60)));
    }
}

namespace Baton.Engine.Tests;

public sealed class LoneConversationTests
{
    private const int Enough = 9;

    private readonly LoneConversation _conversation = new();
    private readonly object _one = new(), _other = new();

    [Fact]
    public void Who_alone_was_spoken_to_often_enough_answers_once_each_time()
    {
        for (int i = 1; i < Enough; i++)
        {
            _conversation.Give(_one);
            Assert.False(_conversation.IsAnswer(_one));
        }

        for (int i = 0; i < 3; i++)
        {
            _conversation.Give(_one);
            Assert.True(_conversation.IsAnswer(_one));
            Assert.False(_conversation.IsAnswer(_one));
        }
    }

    [Fact]
    public void As_soon_as_another_is_spoken_to_nobody_does()
    {
        for (int i = 0; i < Enough; i++)
        {
            _conversation.Give(_one);
        }

        Assert.False(_conversation.IsAnswer(_other));
        _conversation.Give(_other);
        Assert.False(_conversation.IsAnswer(_one));
        Assert.False(_conversation.IsAnswer(_other));

        for (int i = 0; i < 100; i++)
        {
            _conversation.Give(i % 2 == 0 ? _one : _other);
            Assert.False(_conversation.IsAnswer(_one) || _conversation.IsAnswer(_other));
        }
    }
}

namespace Baton.Engine;

/// <summary>A function to be called on the shard's thread, and the task of its result: for what is rare.</summary>
internal sealed class ShardCall<T>(Func<Shard, T> function) : ShardWork
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _source.Task;

    public override void Run(Shard shard)
    {
        try
        {
            _source.TrySetResult(function(shard));
        }
        catch (Exception e) when (e is BatonException or ArgumentException or InvalidOperationException)
        {
            _source.TrySetException(e);
        }
    }
}

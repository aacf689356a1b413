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
#pragma warning disable CA1031 // Whoever called gets what the call threw.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _source.TrySetException(e);
        }
    }
}

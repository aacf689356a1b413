using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Lists of a node's endpoints, or of its directory, put together from what its shards have. A list says what was so when it
/// was sent; so what another shard wants to say to a peer while one is put together waits until it is sent.
/// </summary>
internal sealed class GatheredLists(Shard first)
{
    private readonly Queue<Action> _after = new();
    private int _underWay;

    /// <summary>Puts a list together.</summary>
    /// <param name="list">What one shard has.</param>
    /// <param name="onList">Takes the whole; at once where there is one shard.</param>
    public void Gather(Func<HomeShare, List<Announcement>> list, Action<List<Announcement>> onList)
    {
        var parts = new List<Announcement>[first.Shards.Count];
        _underWay++;
        first.OnOthersThen(other => parts[other.Index] = list(other.HomeShare), () =>
        {
            // This shard's part last: what it says meanwhile does not wait.
            parts[0] = list(first.HomeShare);
            onList([.. parts.SelectMany(part => part)]);
            End();
        });
    }

    /// <summary>Does something when no list is being put together.</summary>
    public void AfterLists(Action action)
    {
        if (_underWay == 0)
        {
            action();
        }
        else
        {
            _after.Enqueue(action);
        }
    }

    private void End()
    {
        _underWay--;
        first.Homes.RouteAll();
        while (_underWay == 0 && _after.TryDequeue(out var action))
        {
            action();
        }
    }
}

using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Demo;

/// <summary>The wait until the nodes of a farm on this machine answer, and each reaches every other.</summary>
internal static class FarmStart
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    /// <param name="socketOf">Where a node's control socket is.</param>
    /// <param name="requireRunning">Throws when a process of the farm has ended.</param>
    /// <param name="hint">What to say beyond what is missing when the time is over.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="DemoException">It took more than a minute.</exception>
    public static async Task WaitAsync(Func<DemoNode, string> socketOf, Action requireRunning, string hint, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_limit);
        string missing = "";
        try
        {
            foreach (var node in AddressPlan.V4.Nodes)
            {
                using var control = new ControlClient(socketOf(node));
                while ((missing = await MissingAsync(node, control, limit.Token)).Length > 0)
                {
                    requireRunning();
                    await Task.Delay(s_interval, limit.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new DemoException($"The farm did not come up in {s_limit.TotalSeconds:0} s: {missing}.{hint}");
        }
    }

    private static async Task<string> MissingAsync(DemoNode node, ControlClient control, CancellationToken cancellation)
    {
        try
        {
            var farm = await control.StatusAsync(cancellation: cancellation);
            var away = farm.Nodes.Where(n => n.State == "unreachable").Select(n => n.Name);
            return string.Join(", ", away.Select(other => $"{node.Name} does not reach {other}"));
        }
        catch (BatonException)
        {
            return $"{node.Name} does not answer";
        }
    }
}

using Baton.Wire;

namespace Baton.Handoff.Tests.Farm;

/// <summary>What must hold on every step, whatever breaks.</summary>
internal sealed class Invariants(Farm farm)
{
    private readonly Dictionary<HandoffId, bool> _committed = [];
    private readonly Dictionary<Flow, Epoch> _epochs = [];
    private readonly HashSet<(HandoffId, NodeId, ulong, HandoffRole)> _ended = [];

    public List<HandoffOutput.Completed> Completions { get; } = [];

    /// <summary>A test in which a node is asked again about what it had to forget.</summary>
    public bool NodesForget { get; set; }

    public void OnCompleted(FarmNode node, HandoffOutput.Completed completed)
    {
        Completions.Add(completed);
        if (NodesForget)
        {
            return;
        }

        Assert.True(
            _ended.Add((completed.Handoff, node.Id, node.Incarnation, completed.Role)),
            $"{farm}: {completed.Handoff} ended twice at {node.Id}");
        if (completed.Outcome == HandoffOutcome.Gone)
        {
            Assert.True(farm.EntriesWereLost, $"{farm}: gone, though no entry was removed");
            return;
        }

        bool committed = completed.Outcome == HandoffOutcome.Committed;
        if (!_committed.TryAdd(completed.Handoff, committed))
        {
            Assert.True(_committed[completed.Handoff] == committed, $"{farm}: {completed.Handoff} has two outcomes");
        }
    }

    /// <summary>An endpoint begins, or begins again, to emit.</summary>
    public void OnActive(FarmNode node, FarmEndpoint endpoint)
    {
        if (_epochs.TryGetValue(endpoint.Flow, out var last))
        {
            Assert.True(endpoint.Epoch >= last, $"{farm}: epoch {endpoint.Epoch} after {last} at {node.Id}");
        }

        _epochs[endpoint.Flow] = endpoint.Epoch;
    }

    public void OnStep()
    {
        var emitters = new HashSet<Flow>();
        foreach (var node in farm.Nodes.Where(n => n.Alive))
        {
            foreach (var endpoint in node.Endpoints.Values)
            {
                Assert.True(
                    endpoint.Phase != EndpointPhase.Active || endpoint.InTimeWait || emitters.Add(endpoint.Flow),
                    $"{farm}: two emitters for {endpoint.Flow}");
            }
        }
    }
}

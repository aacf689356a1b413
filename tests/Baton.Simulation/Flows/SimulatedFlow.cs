using Baton.Wire;

namespace Baton.Simulation;

/// <summary>One flow of a run, between a client and a service of the farm: its two ends and what is known of it.</summary>
internal abstract class SimulatedFlow
{
    protected SimulatedFlow(SimulationRun run, int index, FarmClient client, FarmNode home, FourTuple clientTuple, IpProtocol protocol)
    {
        Run = run;
        Index = index;
        Client = client;
        Home = home;
        Flow = new Flow(protocol, clientTuple.Reversed);
    }

    public SimulationRun Run { get; }

    /// <summary>Its number in the run.</summary>
    public int Index { get; }

    public FarmClient Client { get; }

    /// <summary>
    /// Whether a node that had a part in it was lost: it may end with a reset, once, and nothing that it carried may be wrong.
    /// </summary>
    public bool MayBeLost { get; set; }

    /// <summary>Whether it is lost: its client was told so, or has nothing more to say and nobody to hear it from.</summary>
    public virtual bool IsLost => false;

    /// <summary>The node whose service address the client uses, by configuration.</summary>
    public FarmNode Home { get; }

    /// <summary>As the farm names it: local is the service.</summary>
    public Flow Flow { get; }

    /// <summary>What the front has seen of it, and where it lives.</summary>
    public required FlowWatch Watch { get; init; }

    /// <summary>Whether everything that was planned has happened at the client.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>The handoffs that were to meet this flow have been asked for: it may end.</summary>
    public abstract void Release();

    /// <summary>A node was killed.</summary>
    public virtual void OnCrash(FarmNode node) => Watch.OnCrash(node);

    /// <summary>How far it is, for messages.</summary>
    public abstract string Progress { get; }
}

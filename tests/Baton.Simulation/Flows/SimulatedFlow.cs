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

    /// <summary>The node whose service address the client uses.</summary>
    public FarmNode Home { get; }

    /// <summary>As the farm names it: local is the service.</summary>
    public Flow Flow { get; }

    /// <summary>What the front has seen of it, and where it lives.</summary>
    public required FlowWatch Watch { get; init; }

    /// <summary>Whether everything that was planned has happened at the client.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>The handoffs that were to meet this flow have been asked for: it may end.</summary>
    public abstract void Release();

    /// <summary>How far it is, for messages.</summary>
    public abstract string Progress { get; }
}

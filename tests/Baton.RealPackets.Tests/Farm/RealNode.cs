using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>One node of a farm, and its links as a capture sees them.</summary>
internal sealed record RealNode(string Name, string Namespace, CaptureLink Front, CaptureLink Lan)
{
    public BatonEngine Engine { get; init; } = null!;

    public NodeId Id { get; } = new((ushort)(RealNetwork.NodeNames.ToList().IndexOf(Name) + 1));

    public InetAddress ServiceAddress => InetAddress.Parse($"198.51.100.{100 + Id.Value}");

    public InetAddress FrontAddress => InetAddress.Parse($"198.51.100.{10 + Id.Value}");

    public InetAddress LanAddress => InetAddress.Parse($"192.0.2.{Id.Value}");

    public MacAddress FrontMac => Front.Address;

    public MacAddress LanMac => Lan.Address;

    /// <summary>The only endpoint of the node.</summary>
    public async Task<EndpointDescription> SingleAsync() => Assert.Single(await Engine.EndpointsAsync());

    /// <summary>The endpoint of a flow, when it is here.</summary>
    public async Task<EndpointDescription?> FindAsync(Flow flow) => (await Engine.EndpointsAsync()).FirstOrDefault(e => e.Flow == flow);

    /// <summary>Waits until an endpoint is here that satisfies a condition, and gives it.</summary>
    public async Task<EndpointDescription> WaitForAsync(Func<EndpointDescription, bool> condition)
    {
        EndpointDescription? found = null;
        await Wait.UntilAsync(
            async () => (found = (await Engine.EndpointsAsync()).FirstOrDefault(condition)) is not null, $"an endpoint at {Name}");
        return found!;
    }

    /// <summary>The directory's entry of a flow, when this node has one.</summary>
    public async Task<ForwardingEntry?> EntryAsync(Flow flow) => (await Engine.ForwardingEntriesAsync()).FirstOrDefault(e => e.Flow == flow);
}

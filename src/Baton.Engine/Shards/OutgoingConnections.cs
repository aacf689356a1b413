using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Connections that this node's applications open, from the attempt until it is decided.</summary>
internal sealed class OutgoingConnections(Shard shard)
{
    /// <summary>Begins to connect.</summary>
    public void Begin(InetAddress remote, ushort port, string name, IEndpointApplication application, Action<string> onFailed)
    {
        var tuple = new FourTuple(InetAddress.Any(remote.Family), 0, remote, port);
        if (shard.Stack.TryConnect(shard.Now, tuple, out var endpoint, out var failure))
        {
            endpoint.Tag = new Attempt(name, application, onFailed);
            return;
        }

        onFailed(failure switch
        {
            ConnectFailure.NoRoute => $"nothing leads from here to {remote}",
            ConnectFailure.NoFreePort => $"every port to {remote} port {port} is in use",
            _ => "there are as many endpoints as may be",
        });
    }

    /// <summary>Something happened at the endpoint of an attempt: the application gets it, or is told that it failed.</summary>
    /// <returns>Whether the endpoint is the application's now; the events are then for it too.</returns>
    public bool HasConnected(TcpEndpoint endpoint, Attempt attempt, EndpointEvents events)
    {
        if ((events & (EndpointEvents.Established | EndpointEvents.Closed)) == 0)
        {
            return false;
        }

        endpoint.Tag = null;
        var facts = new AttachmentFacts(
            endpoint.Id, endpoint.Flow, null, attempt.Name, $"{attempt.Name}, connected", HandedOver: false, null, default);
        var attachment = new Attachment(shard, endpoint, facts, attempt.Application, default, transparent: false);
        if ((events & EndpointEvents.Established) == 0)
        {
            attempt.OnFailed(attachment.CloseText);
            return false;
        }

        shard.Stack.Attach(endpoint, attachment, attempt.Name);
        attempt.Application.OnAttached(attachment);
        return true;
    }

    /// <summary>An attempt; stands in its endpoint's tag.</summary>
    public sealed record Attempt(string Name, IEndpointApplication Application, Action<string> OnFailed);
}

using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Connections that this node's applications open, from the attempt until it is decided.</summary>
internal sealed class OutgoingConnections(Shard shard)
{
    /// <summary>Begins to connect.</summary>
    public void Begin(InetAddress remote, ushort port, string name, IEndpointApplication application, ConnectOptions options, Action<string> onFailed)
    {
        var tuple = new FourTuple(InetAddress.Any(remote.Family), 0, remote, port);
        bool connects = options.FastOpen is { } text
            ? shard.Stack.TryConnectFast(shard.Now, tuple, text.Span, out var endpoint, out var failure)
            : shard.Stack.TryConnect(shard.Now, tuple, out endpoint, out failure);
        if (connects)
        {
            options.Connection?.Apply(endpoint!, shard.Now);
            endpoint!.Tag = new Attempt(name, application, onFailed);
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
        if ((events & EndpointEvents.Established) == 0)
        {
            attempt.OnFailed(Make(shard, endpoint, attempt.Name, "connected", attempt.Application).CloseText);
            return false;
        }

        Attach(shard, endpoint, attempt.Name, "connected", attempt.Application);
        return true;
    }

    /// <summary>Gives an established connection of the node's own to an application.</summary>
    public static void Attach(Shard shard, TcpEndpoint endpoint, string name, string how, IEndpointApplication application)
    {
        var attachment = Make(shard, endpoint, name, how, application);
        shard.Stack.Attach(endpoint, attachment, name);
        application.OnAttached(attachment);
    }

    private static Attachment Make(Shard shard, TcpEndpoint endpoint, string name, string how, IEndpointApplication application) => new(
        shard,
        endpoint,
        new AttachmentFacts(endpoint.Id, endpoint.Flow, null, name, $"{name}, {how}", HandedOver: false, null, default),
        application,
        default,
        transparent: false);

    /// <summary>An attempt; stands in its endpoint's tag.</summary>
    public sealed record Attempt(string Name, IEndpointApplication Application, Action<string> OnFailed);
}

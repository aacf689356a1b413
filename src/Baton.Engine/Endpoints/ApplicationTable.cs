using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The applications bound at this node, and the binding of endpoints to them.</summary>
internal sealed class ApplicationTable(Shard shard)
{
    private readonly List<ApplicationBinding> _bindings = [];

    /// <summary>Binds an application, and gives it the endpoints that wait for it.</summary>
    /// <exception cref="BatonException">There is no such service, or the application is bound to it already.</exception>
    public void Add(ApplicationBinding binding)
    {
        if (!shard.Farm.HasService(binding.EndPoint.Service, binding.Protocol))
        {
            throw new BatonException($"There is no {binding.Protocol} service '{binding.EndPoint.Service}'.");
        }

        if (_bindings.Exists(b => b.EndPoint.Service == binding.EndPoint.Service && b.Protocol == binding.Protocol && b.Application == binding.Application))
        {
            throw new BatonException($"The application '{binding.Application}' is bound to {binding.EndPoint} already.");
        }

        _bindings.Add(binding);
        BindWaiting(binding);
    }

    /// <summary>Unbinds an application; its endpoints stay with it.</summary>
    public void Remove(ApplicationBinding binding) => _bindings.Remove(binding);

    /// <summary>The binding that serves a service, under a name if one is given, or null.</summary>
    public ApplicationBinding? Find(Service service, string? application)
    {
        foreach (var binding in _bindings)
        {
            if (binding.Serves(service) && (application is null || binding.Application == application))
            {
                return binding;
            }
        }

        return null;
    }

    /// <summary>The port that the application which serves a service is bound with at this node (R20), or null for the service's own.</summary>
    public ushort? PortOf(Service service, string? application) => Find(service, application)?.EndPoint.Port;

    /// <summary>Gives endpoints that wait for an application to it.</summary>
    public void BindWaiting(ApplicationBinding binding)
    {
        foreach (var endpoint in shard.Stack.Endpoints.ToArray())
        {
            if (EndpointRecord.Of(endpoint) is { Stage: EndpointStage.Placed, Attachment: null } record && binding.Serves(endpoint.Service!))
            {
                TryBind(record);
            }
        }
    }

    /// <summary>Binds an endpoint that is placed here to the application that it is for, if that is bound.</summary>
    public bool TryBind(EndpointRecord record)
    {
        var endpoint = record.Endpoint;
        if (record.Stage != EndpointStage.Placed
            || record.Running is not null
            || !(endpoint.Phase == EndpointPhase.Active || HasEndedWithInput(endpoint))
            || endpoint.Application is not null
            || Find(endpoint.Service!, record.WantedApplication ?? endpoint.Service!.ApplicationName) is not { } binding
            || (binding.DeferAccept && endpoint is TcpEndpoint { Connection: { ReadableBytes: 0, ReadCompleted: false } } && record.Unread.IsEmpty)
            || binding.Accept() is not { } application)
        {
            return false;
        }

        Attach(record, application, binding.Application, binding.Socket, binding.TransparentMoves);
        return true;
    }

    /// <summary>
    /// Whether a held packet ended a connection in the moment in which it came here: what the client was acknowledged is still to
    /// be read.
    /// </summary>
    private static bool HasEndedWithInput(Endpoint endpoint) =>
        endpoint is TcpEndpoint { Phase: EndpointPhase.Closed, Connection: { CloseReason: TcpCloseReason.Normal, State: TcpState.Closed } };

    /// <summary>Binds an endpoint to an application.</summary>
    public Attachment Attach(EndpointRecord record, IEndpointApplication application, string name, string socket, bool transparent)
    {
        var endpoint = record.Endpoint;
        var facts = new AttachmentFacts(
            endpoint.Id,
            endpoint.Flow,
            endpoint.Service?.Name,
            name,
            socket,
            record.Served,
            record.From == NodeId.None ? null : shard.Farm.NameOf(record.From),
            record.Context);
        var attachment = new Attachment(shard, endpoint, facts, application, record.Unread, transparent);
        record.Stage = EndpointStage.Placed;
        record.Served = true;
        record.Context = default;
        record.Unread = default;
        shard.Stack.Attach(endpoint, attachment, name);
        application.OnAttached(attachment);
        if (attachment.HasInput(1))
        {
            application.OnReadable(attachment);
        }

        return attachment;
    }
}

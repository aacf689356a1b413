using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Director;

/// <summary>The farm's services, by what a client's packet is addressed to, and each with its selection policy. Does not change.</summary>
public sealed class ServiceTable
{
    private readonly Dictionary<ServiceKey, (Service Service, ISelectionPolicy Policy)> _services = [];
    private readonly Dictionary<InetAddress, NodeId> _homes = [];
    private readonly List<Service> _all = [];

    private ServiceTable()
    {
    }

    /// <summary>The services, in the order of the configuration.</summary>
    public IReadOnlyList<Service> Services => _all;

    /// <summary>Builds the table, or says everything that is wrong with the services and what to write instead.</summary>
    /// <param name="services">The services.</param>
    /// <param name="policies">Policies beside those of <see cref="SelectionPolicies"/>, by name; each service gets one of its own.</param>
    /// <param name="table">The table.</param>
    /// <param name="errors">What is wrong.</param>
    public static bool TryCreate(
        IEnumerable<Service> services,
        IReadOnlyDictionary<string, Func<ISelectionPolicy>> policies,
        [NotNullWhen(true)] out ServiceTable? table,
        out IReadOnlyList<string> errors)
    {
        var built = new ServiceTable();
        var found = new List<string>();
        foreach (var service in services)
        {
            built.Add(service, policies, found);
        }

        errors = found;
        table = found.Count == 0 ? built : null;
        return table is not null;
    }

    /// <summary>The service that a flow uses.</summary>
    public bool TryFind(in Flow flow, [NotNullWhen(true)] out Service? service) =>
        TryFind(flow.Protocol, flow.Tuple.LocalAddress, flow.Tuple.LocalPort, out service);

    /// <summary>The service at an address, protocol and port.</summary>
    public bool TryFind(IpProtocol protocol, InetAddress address, ushort port, [NotNullWhen(true)] out Service? service)
    {
        bool found = _services.TryGetValue(new ServiceKey(address, protocol, port), out var row);
        service = row.Service;
        return found;
    }

    /// <summary>The service of that name; of one that is offered at several addresses the first.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out Service? service)
    {
        service = _all.Find(candidate => candidate.Name == name);
        return service is not null;
    }

    /// <summary>The node that holds a service address, or none if it is no service address.</summary>
    public NodeId HomeOf(InetAddress address) => _homes.GetValueOrDefault(address);

    /// <summary>Who is to own a new connection of a service, by the service's policy.</summary>
    public NodeId Select(Service service, ReadOnlySpan<MemberState> candidates, in SelectionRequest request) =>
        _services[new ServiceKey(service.Address, service.Protocol, service.Port)].Policy.Select(candidates, in request);

    private void Add(Service service, IReadOnlyDictionary<string, Func<ISelectionPolicy>> policies, List<string> errors)
    {
        string at = $"services: '{service.Name}'";
        if (service.Name.Length == 0)
        {
            errors.Add("services: a service has no name; give each a name of its own.");
        }
        else if (TryFind(service.Name, out var other) && (other.Protocol != service.Protocol || other.Port != service.Port))
        {
            errors.Add($"{at} is there with another protocol or port; give it a name of its own.");
        }

        if (service.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp))
        {
            errors.Add($"{at} has the protocol {service.Protocol}; write tcp or udp.");
        }

        if (service.Port == 0)
        {
            errors.Add($"{at} has the port 0; write a port from 1 to 65535.");
        }

        // A client's packet that looks encapsulated is refused, so no service may use the encapsulation's port.
        if (service is { Protocol: IpProtocol.Udp, Port: Encapsulation.Port })
        {
            errors.Add($"{at} uses UDP port {Encapsulation.Port}, which carries the farm's own packets; write another port.");
        }

        var policy = policies.TryGetValue(service.Policy, out var create) ? create() : null;
        if (policy is null && !SelectionPolicies.TryCreate(service.Policy, out policy))
        {
            errors.Add($"{at} has the policy '{service.Policy}'; write one of {string.Join(", ", SelectionPolicies.Names.Concat(policies.Keys))}.");
            policy = new LeastOfTwo();
        }

        if (_homes.TryGetValue(service.Address, out var home) && home != service.Home)
        {
            errors.Add($"{at}: the address {service.Address} has two homes; write the same home for all services at one address.");
        }

        if (!_services.TryAdd(new ServiceKey(service.Address, service.Protocol, service.Port), (service, policy)))
        {
            errors.Add($"{at}: {service.Address} port {service.Port} is a service already; write another address or port.");
        }

        _homes[service.Address] = service.Home;
        _all.Add(service);
    }

    private readonly record struct ServiceKey(InetAddress Address, IpProtocol Protocol, ushort Port);
}

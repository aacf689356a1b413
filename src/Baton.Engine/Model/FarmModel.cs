using System.Collections.Frozen;
using Baton.Director;
using Baton.Membership;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>The farm as the options describe it, checked and indexed. Does not change.</summary>
internal sealed class FarmModel
{
    private readonly FrozenSet<InetAddress> _serviceAddresses;
    private readonly FrozenSet<(NodeId Node, AddressFamily Family)> _families;

    private FarmModel(Member self, MemberList members, ServiceTable services, IEnumerable<MemberOptions> options)
    {
        Self = self;
        Members = members;
        Services = services;
        _serviceAddresses = members.Members.SelectMany(member => member.ServiceAddresses).ToFrozenSet();
        _families = options
            .SelectMany(m => new[] { m.FrontAddress, m.FrontAddressV6 ?? m.FrontAddress }.Select(a => (m.Id, a.Family)))
            .ToFrozenSet();
    }

    /// <summary>This node.</summary>
    public Member Self { get; }

    /// <summary>All members.</summary>
    public MemberList Members { get; }

    /// <summary>The farm's services.</summary>
    public ServiceTable Services { get; }

    /// <summary>Builds the model.</summary>
    /// <exception cref="ArgumentException">The options contradict themselves; the message names every error.</exception>
    public static FarmModel Create(EngineOptions options)
    {
        var errors = new List<string>();
        if (!MemberList.TryCreate(options.Members.Select(ToMember), out var members, out var memberErrors))
        {
            errors.AddRange(memberErrors);
        }

        CheckFamilies(options, errors);
        CheckShards(options, errors);
        if (!ServiceTable.TryCreate(Expand(options, errors), options.Policies, out var services, out var serviceErrors))
        {
            errors.AddRange(serviceErrors);
        }

        errors.AddRange(options.Rule?.Errors() ?? []);
        errors.AddRange(new LoadExchangeOptions { Interval = options.MembershipInterval }.Errors());
        Member? self = null;
        if (members?.TryFind(options.Node, out self) == false)
        {
            errors.Add($"node: '{options.Node}' is not among the members; write one of {string.Join(", ", options.Members.Select(m => m.Name))}.");
        }

        return errors.Count == 0
            ? new FarmModel(self!, members!, services!, options.Members)
            : throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(options));
    }

    /// <summary>Whether clients use the address, whoever is its home.</summary>
    public bool IsServiceAddress(InetAddress address) => _serviceAddresses.Contains(address);

    /// <summary>Whether a member can be home of an address: it has one of its own of that family on the front.</summary>
    public bool MayHold(NodeId member, InetAddress address) => _families.Contains((member, address.Family));

    /// <summary>A member's name; its number when there is no such member.</summary>
    public string NameOf(NodeId id) => Members.TryFind(id, out var member) ? member.Name : id.ToString();

    /// <summary>Whether a service of that name and protocol is configured.</summary>
    public bool HasService(string name, IpProtocol protocol) =>
        Services.Services.Any(s => s.Name == name && s.Protocol == protocol);

    private static Member ToMember(MemberOptions member) =>
        new(member.Id, member.Name, member.LanAddress, member.FrontAddress, member.Weight) { ServiceAddresses = member.ServiceAddresses };

    private static void CheckShards(EngineOptions options, List<string> errors)
    {
        if (options.Lan.FurtherQueues.Count != options.Front.FurtherQueues.Count)
        {
            errors.Add($"shards: the front has {options.Shards} queues and the lan {1 + options.Lan.FurtherQueues.Count}; open as many of each.");
        }

        if (options.Shards > EngineOptions.MaxShards)
        {
            errors.Add($"shards: {options.Shards} are more than a node can have; open at most {EngineOptions.MaxShards} queues.");
        }

        if (options.Shards > 1 && (options.Front.CheckAddresses || options.Lan.CheckAddresses))
        {
            errors.Add("shards: addresses are checked before use by a node of one shard only; use one, or do without the check.");
        }
    }

    private static void CheckFamilies(EngineOptions options, List<string> errors)
    {
        foreach (var member in options.Members)
        {
            if (member.FrontAddressV6 is { } second && (second.IsV4 || !member.FrontAddress.IsV4))
            {
                errors.Add($"members: '{member.Name}' has {member.FrontAddress} and {second} on the front; write an IPv4 address and an IPv6 one, or one alone.");
            }

            foreach (var address in member.ServiceAddresses)
            {
                if (address.Family != member.FrontAddress.Family && address.Family != member.FrontAddressV6?.Family)
                {
                    errors.Add($"members: '{member.Name}' is home of {address} and has no address of that family on the front; give it one.");
                }
            }
        }

        if (options.Members.Select(member => member.LanAddress.Family).Distinct().Count() > 1)
        {
            errors.Add("members: some have IPv4 and some IPv6 addresses on the lan; write one family for all.");
        }

        bool v6 = options.Members.Any(m => m.FrontAddressV6 is not null || !m.FrontAddress.IsV4);
        bool lanV6 = options.Members.Any(m => !m.LanAddress.IsV4);
        foreach (var (name, network, speaksV6) in new[] { ("front", options.Front, v6), ("lan", options.Lan, lanV6) })
        {
            if (speaksV6 && network.Link.Mtu < MinMtuV6)
            {
                errors.Add($"{name}: the link's MTU is {network.Link.Mtu}, and IPv6 takes {MinMtuV6} or more.");
            }
        }
    }

    // RFC 8200 §5.
    private const int MinMtuV6 = 1280;

    private static List<Service> Expand(EngineOptions options, List<string> errors)
    {
        var homes = new Dictionary<InetAddress, NodeId>();
        foreach (var member in options.Members)
        {
            foreach (var address in member.ServiceAddresses)
            {
                homes.TryAdd(address, member.Id);
            }
        }

        var expanded = new List<Service>();
        foreach (var service in options.Services)
        {
            errors.AddRange(service.Connections?.Errors().Select(error => $"services: '{service.Name}': {error}.") ?? []);
            foreach (var address in service.Addresses.Count > 0 ? service.Addresses : [.. homes.Keys])
            {
                if (!homes.TryGetValue(address, out var home))
                {
                    errors.Add($"services: '{service.Name}' is at {address}, which is no member's service address; write one of {string.Join(", ", homes.Keys)}.");
                    continue;
                }

                expanded.Add(new Service(
                    service.Name,
                    address,
                    service.Protocol,
                    service.Port,
                    home,
                    service.Placement,
                    service.Application,
                    service.ApplicationPort ?? 0,
                    service.Policy)
                {
                    FastOpen = service.FastOpen,
                });
            }
        }

        return expanded;
    }
}

using System.Net;
using Baton.Director;
using Baton.Engine;
using Baton.Wire;
using Microsoft.Extensions.Options;

namespace Baton.Hosting;

/// <summary>Finds everything that is wrong with a configuration at once, and says of each what to write instead.</summary>
public sealed class BatonOptionsValidator : IValidateOptions<BatonOptions>
{
    private const int ReferenceOverhead = 168;
    private static readonly TimeSpan RenewalTime = TimeSpan.FromDays(30);

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, BatonOptions options)
    {
        var errors = new List<string>(options.ShapeErrors);
        CheckNode(options, errors);
        CheckMembers(options, errors);
        CheckNetwork("Baton:Front", options.Front, options, errors);
        CheckNetwork("Baton:Lan", options.Lan, options, errors);
        CheckNic(options.Nic, errors);
        CheckShards(options, errors);
        AddressFamilyChecks.Check(options, errors);
        CheckServices(options, errors);
        CheckTimes(options, errors);
        CheckSecurity(options, errors);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    /// <summary>Things that work but had better be otherwise.</summary>
    public static IEnumerable<string> Warnings(BatonOptions options)
    {
        if (options.Insecure)
        {
            yield return "Baton:Insecure is true: members do not authenticate each other, and whoever reaches the lan can take connections.";
        }

        if (options.Security is not null)
        {
            using var certificates = FarmCertificates.Load(options, DateTimeOffset.UtcNow, []);
            if (certificates is { Own: { } own } && own.NotAfter < DateTime.Now + RenewalTime)
            {
                yield return $"The certificate of {options.Node} ends on {own.NotAfter:u}. Make a new one by `baton farm certificate {options.Node} --renew`, and start the node anew.";
            }
        }

        if (options.Lan.Mtu < options.Front.Mtu + ReferenceOverhead)
        {
            yield return $"Baton:Lan:Mtu is {options.Lan.Mtu}: full-size packets are fragmented when they are forwarded. "
                + $"{options.Front.Mtu + ReferenceOverhead} or more (Front:Mtu + {ReferenceOverhead}) avoids that.";
        }
    }

    private static void CheckNode(BatonOptions options, List<string> errors)
    {
        if (options.Secret.Length < 16)
        {
            errors.Add("Baton:Secret has fewer than 16 characters. Write the same long random text on every member, e.g. the output of `openssl rand -hex 32`.");
        }

        if (options.Node.Length == 0)
        {
            errors.Add("Baton:Node is missing. Write the name of this node, one of Baton:Members (or set Baton__Node).");
        }
        else if (options.Members.Count > 0 && options.Members.All(m => m.Name != options.Node))
        {
            errors.Add($"Baton:Node is '{options.Node}', which is no member. Write one of {string.Join(", ", options.Members.Select(m => m.Name))}, or add it to Baton:Members.");
        }
    }

    private static void CheckMembers(BatonOptions options, List<string> errors)
    {
        if (options.Members.Count == 0)
        {
            errors.Add("Baton:Members is empty. List every member of the farm: { \"Name\": \"a\", \"Id\": 1, \"Lan\": \"192.0.2.1\", \"Front\": \"198.51.100.11\", \"ServiceAddresses\": [\"198.51.100.101\"] }.");
        }

        var addresses = new Dictionary<InetAddress, string>();
        for (int i = 0; i < options.Members.Count; i++)
        {
            var member = options.Members[i];
            string path = $"Baton:Members:{i}";
            CheckName(path, member.Name, options.Members.Count(m => m.Name == member.Name), errors);
            if (member.Id is < 1 or > ushort.MaxValue)
            {
                errors.Add($"{path}:Id is {member.Id}. Write a number from 1 to 65535.");
            }
            else if (options.Members.Count(m => m.Id == member.Id) > 1)
            {
                errors.Add($"{path}:Id is {member.Id}, which another member has too. Give each its own.");
            }

            if (member.Weight is < 1 or > ushort.MaxValue)
            {
                errors.Add($"{path}:Weight is {member.Weight}. Write a number from 1 to 65535.");
            }

            CheckAddress($"{path}:Front", member.Front, addresses, errors);
            if (member.FrontV6.Length > 0)
            {
                CheckAddress($"{path}:FrontV6", member.FrontV6, addresses, errors);
            }

            if (CheckAddress($"{path}:Lan", member.Lan, addresses, errors) is { } lan && options is { Insecure: false, Security: null } && !IsPrivateToThisMachine(lan))
            {
                errors.Add($"{path}:Lan is {lan}: without certificates members do not authenticate each other, so a lan that others may reach is refused. Make certificates by `baton farm init` and `baton farm certificate {member.Name}` and write \"Security\": {{ \"Directory\": \"farm\" }}, use 192.0.2.0/24 or 2001:db8::/32 in namespaces of one machine, or accept the risk by \"Insecure\": true.");
            }

            for (int s = 0; s < member.ServiceAddresses.Count; s++)
            {
                CheckAddress($"{path}:ServiceAddresses:{s}", member.ServiceAddresses[s], addresses, errors);
            }
        }
    }

    /// <summary>Loopback, and documentation ranges (RFC 5737, RFC 3849), which are used within one machine's namespaces.</summary>
    private static bool IsPrivateToThisMachine(InetAddress address) =>
        IPAddress.IsLoopback(address.ToIPAddress())
        || address.IsIn(InetAddress.Parse("192.0.2.0"), 24)
        || address.IsIn(InetAddress.Parse("2001:db8::"), 32);

    private static void CheckName(string path, string name, int sameName, List<string> errors)
    {
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            errors.Add($"{path}:Name is '{name}'. Write a name of letters, digits, '-', '_' and '.'.");
        }
        else if (sameName > 1)
        {
            errors.Add($"{path}:Name is '{name}', which another one has too. Give each its own.");
        }
    }

    private static InetAddress? CheckAddress(string path, string text, Dictionary<InetAddress, string> taken, List<string> errors)
    {
        if (!InetAddress.TryParse(text, out var address))
        {
            errors.Add($"{path} is '{text}'. Write an IPv4 or IPv6 address.");
            return null;
        }

        if (!taken.TryAdd(address, path))
        {
            errors.Add($"{path} is {address}, which is {taken[address]} already. Give each its own.");
        }

        return address;
    }

    private static void CheckNetwork(string path, NetworkSettings network, BatonOptions options, List<string> errors)
    {
        if (options.LinkFactory is null && network.Link is not ("tap" or "packet" or "xdp" or "auto"))
        {
            errors.Add($"{path}:Link is '{network.Link}'. Write tap, packet, xdp or auto.");
        }

        if (network.Device.Length is 0 or > 15)
        {
            errors.Add($"{path}:Device is '{network.Device}'. Write an interface name of 1 to 15 characters.");
        }

        if (network.MacAddress.Length > 0 && (!MacAddress.TryParse(network.MacAddress, out var mac) || mac.IsMulticast))
        {
            errors.Add($"{path}:MacAddress is '{network.MacAddress}'. Write six hexadecimal bytes of a unicast address, e.g. 02:00:00:00:00:01, or leave it out.");
        }

        if (network.Mtu is < 576 or > 65_521)
        {
            errors.Add($"{path}:Mtu is {network.Mtu}. Write a number from 576 to 65521.");
        }

        if (network.Vlan is < 0 or > 4094 || (network.Vlan != 0 && network.Link != "xdp"))
        {
            errors.Add($"{path}:Vlan is {network.Vlan}. Write 1 to 4094 with Link xdp, or leave it out and write the kernel's VLAN device (e.g. eth0.5) as Device.");
        }

        if (network.BusyPoll < TimeSpan.Zero || network.BusyPoll > Link.XdpOptions.MostBusyPoll)
        {
            errors.Add($"{path}:BusyPoll is {network.BusyPoll}. Write a time up to 10 ms, e.g. 00:00:00.00002, or leave it out.");
        }

        if (network.PrefixLength is < 1 or > 128)
        {
            errors.Add($"{path}:PrefixLength is {network.PrefixLength}. Write the network's prefix length in bits, e.g. 24.");
        }

        if (network.Gateway.Length > 0 && !InetAddress.TryParse(network.Gateway, out _))
        {
            errors.Add($"{path}:Gateway is '{network.Gateway}'. Write an IPv4 or IPv6 address, or leave it out.");
        }
    }

    private static void CheckShards(BatonOptions options, List<string> errors)
    {
        if (options.Shards is < 1 or > EngineOptions.MaxShards)
        {
            errors.Add($"Baton:Shards is {options.Shards}. Write a number from 1 to {EngineOptions.MaxShards}.");
        }

        if (options.Shards <= 1)
        {
            return;
        }

        foreach (var (path, network) in new[] { ("Baton:Front", options.Front), ("Baton:Lan", options.Lan) })
        {
            if (network.CheckAddresses)
            {
                errors.Add($"{path}:CheckAddresses is for a node of one shard, and Baton:Shards is {options.Shards}. Leave one of them out.");
            }
        }

        if (options.LinkFactory is not null)
        {
            errors.Add($"Baton:Shards is {options.Shards}, and the program's LinkFactory opens one link. Write one shard.");
        }
    }

    private static void CheckNic(NicSettings nic, List<string> errors)
    {
        foreach (var (name, number) in new[] { (nameof(nic.Flows), nic.Flows), (nameof(nic.Endpoints), nic.Endpoints) })
        {
            if (number is < 1 or > 1 << 24)
            {
                errors.Add($"Baton:Nic:{name} is {number}. Write a number from 1 to 16777216.");
            }
        }

        if (nic.SynRate is < 0 or > 1_000_000)
        {
            errors.Add($"Baton:Nic:SynRate is {nic.SynRate}. Write SYNs a second from one source, 1 to 1000000, or 0 for no limit.");
        }

        if (nic.SynBurst is < 1 or > 1_000_000)
        {
            errors.Add($"Baton:Nic:SynBurst is {nic.SynBurst}. Write a number from 1 to 1000000.");
        }
    }

    private static void CheckServices(BatonOptions options, List<string> errors)
    {
        if (options.Services.Count == 0)
        {
            errors.Add("Baton:Services is empty. List what clients use: { \"Name\": \"web\", \"Protocol\": \"tcp\", \"Port\": 80 }.");
        }

        var offered = options.Members.SelectMany(m => m.ServiceAddresses).Select(Canonical).ToHashSet(StringComparer.Ordinal);
        for (int i = 0; i < options.Services.Count; i++)
        {
            var service = options.Services[i];
            string path = $"Baton:Services:{i}";
            CheckName(path, service.Name, options.Services.Count(s => s.Name == service.Name), errors);
            if (EngineOptionsFactory.ProtocolOf(service.Protocol) is null)
            {
                errors.Add($"{path}:Protocol is '{service.Protocol}'. Write tcp or udp.");
            }

            if (service.Port is < 1 or > ushort.MaxValue)
            {
                errors.Add($"{path}:Port is {service.Port}. Write a number from 1 to 65535.");
            }
            else if (options.Services.Take(i).FirstOrDefault(s => Collides(s, service)) is { } other)
            {
                errors.Add($"{path}:Port is {service.Port}, which service '{other.Name}' has at the same address. Use another port or other Addresses.");
            }

            if (service.ApplicationPort is < 0 or > ushort.MaxValue)
            {
                errors.Add($"{path}:ApplicationPort is {service.ApplicationPort}. Write a number from 1 to 65535, or leave it out.");
            }

            if (service.Connections.Congestion is { Length: > 0 } congestion && EngineOptionsFactory.CongestionOf(congestion) is null)
            {
                errors.Add($"{path}:Connections:Congestion is '{congestion}'. Write cubic, reno or bbr, or leave it out.");
            }

            errors.AddRange(EngineOptionsFactory.ConnectionsOf(service.Connections)?.Errors().Select(error => $"{path}:Connections:{error}.") ?? []);
            if (EngineOptionsFactory.PlacementOf(service.Placement) is null)
            {
                errors.Add($"{path}:Placement is '{service.Placement}'. Write handshake or first-request.");
            }

            string[] policies = [.. SelectionPolicies.Names, .. options.Policies.Keys];
            if (!policies.Contains(service.Policy))
            {
                errors.Add($"{path}:Policy is '{service.Policy}'. Write {string.Join(" or ", policies)}.");
            }

            foreach (string address in service.Addresses.Where(a => !offered.Contains(Canonical(a))))
            {
                errors.Add($"{path}:Addresses has {address}, which no member is home of. Add it to a member's ServiceAddresses.");
            }
        }
    }

    private static bool Collides(ServiceSettings a, ServiceSettings b) =>
        a.Port == b.Port && a.Protocol == b.Protocol
        && (a.Addresses.Count == 0 || b.Addresses.Count == 0 || a.Addresses.Select(Canonical).Intersect(b.Addresses.Select(Canonical)).Any());

    /// <summary>An address in the one spelling that it has (RFC 5952); other text stays.</summary>
    private static string Canonical(string text) => InetAddress.TryParse(text, out var address) ? address.ToString() : text;

    private static void CheckSecurity(BatonOptions options, List<string> errors)
    {
        if (options.Security is null)
        {
            return;
        }

        if (options.Insecure)
        {
            errors.Add("Baton:Insecure is true although Baton:Security is there. Leave one of them out.");
        }

        if (options.Node.Length > 0)
        {
            FarmCertificates.Load(options, DateTimeOffset.UtcNow, errors)?.Dispose();
        }
    }

    private static void CheckTimes(BatonOptions options, List<string> errors)
    {
        if (options.SpinTime < TimeSpan.Zero || options.SpinTime > TimeSpan.FromMilliseconds(10))
        {
            errors.Add($"Baton:SpinTime is {options.SpinTime}. Write a time from 0 to 10 ms, e.g. \"00:00:00.000020\".");
        }

        if (options.Nice is < -20 or > 19)
        {
            errors.Add($"Baton:Nice is {options.Nice}. Write a number from -20 (ahead of others) to 19, e.g. -10.");
        }

        if (options.HandoffBudget <= TimeSpan.Zero)
        {
            errors.Add($"Baton:HandoffBudget is {options.HandoffBudget}. Write a time above 0, e.g. \"00:00:00.005\".");
        }

        if (options.MembershipInterval < TimeSpan.FromMilliseconds(10) || options.MembershipInterval > TimeSpan.FromSeconds(10))
        {
            errors.Add($"Baton:MembershipInterval is {options.MembershipInterval}. Write a time from 10 ms to 10 s, e.g. \"00:00:00.2\".");
        }
    }
}

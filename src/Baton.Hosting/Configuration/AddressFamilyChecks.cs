using Baton.Wire;

namespace Baton.Hosting;

/// <summary>Whether the addresses of a configuration fit together: families, prefixes, gateways.</summary>
internal static class AddressFamilyChecks
{
    // RFC 8200 §5: every link that carries IPv6 takes packets of this length.
    private const int MinMtuV6 = 1280;

    public static void Check(BatonOptions options, List<string> errors)
    {
        for (int i = 0; i < options.Members.Count; i++)
        {
            CheckMember($"Baton:Members:{i}", options.Members[i], errors);
        }

        var lan = Families(options.Members.Select(m => m.Lan));
        if (lan.Count > 1)
        {
            errors.Add("Baton:Members have IPv4 and IPv6 addresses on the lan. Write one family for all.");
        }

        var front = Families(options.Members.Select(m => m.Front));
        if (front.Count > 1)
        {
            errors.Add("Baton:Members have IPv4 and IPv6 addresses as Front. Write IPv4 as Front and IPv6 as FrontV6 for all, or one family alone.");
        }

        bool bothOnFront = options.Members.Any(m => m.FrontV6.Length > 0);
        CheckNetwork("Baton:Front", options.Front, front, bothOnFront, errors);
        CheckNetwork("Baton:Lan", options.Lan, lan, both: false, errors);
    }

    private static void CheckMember(string path, MemberSettings member, List<string> errors)
    {
        bool hasFirst = InetAddress.TryParse(member.Front, out var first);
        bool hasSecond = InetAddress.TryParse(member.FrontV6, out var second);
        if (hasSecond && second.IsV4)
        {
            errors.Add($"{path}:FrontV6 is {second}. Write an IPv6 address, or leave it out.");
        }
        else if (hasSecond && hasFirst && !first.IsV4)
        {
            errors.Add($"{path}:Front is {first} and FrontV6 is {second}. Leave FrontV6 out, or write an IPv4 address as Front.");
        }

        for (int s = 0; hasFirst && s < member.ServiceAddresses.Count; s++)
        {
            if (InetAddress.TryParse(member.ServiceAddresses[s], out var service)
                && service.Family != first.Family
                && !(hasSecond && service.Family == second.Family))
            {
                string missing = service.IsV4 ? "an IPv4 address as Front and the IPv6 one as FrontV6" : "an IPv6 address of the node as FrontV6";
                errors.Add($"{path}:ServiceAddresses:{s} is {service}, and the node has no address of that family on the front. Write {missing}.");
            }
        }
    }

    private static void CheckNetwork(string path, NetworkSettings network, HashSet<AddressFamily> families, bool both, List<string> errors)
    {
        if (families.Contains(AddressFamily.V4) && network.PrefixLength > 32)
        {
            errors.Add($"{path}:PrefixLength is {network.PrefixLength}, and the addresses are IPv4. Write a number from 1 to 32, e.g. 24.");
        }

        if (both && network.PrefixLengthV6 is < 1 or > 128)
        {
            errors.Add($"{path}:PrefixLengthV6 is {network.PrefixLengthV6}. Write a number from 1 to 128, e.g. 64.");
        }

        bool v6 = both || families.Contains(AddressFamily.V6);
        if (v6 && network.Mtu < MinMtuV6)
        {
            errors.Add($"{path}:Mtu is {network.Mtu}, and IPv6 takes {MinMtuV6} or more. Write that, or use IPv4 alone.");
        }

        if (InetAddress.TryParse(network.Gateway, out var gateway) && families.Count > 0 && !families.Contains(gateway.Family))
        {
            string place = both && !gateway.IsV4 ? "Write it as GatewayV6." : "Write one of the family of the members' addresses.";
            errors.Add($"{path}:Gateway is {gateway}, and the addresses are of the other family. {place}");
        }

        if (network.GatewayV6.Length > 0 && (!InetAddress.TryParse(network.GatewayV6, out var second) || second.IsV4))
        {
            errors.Add($"{path}:GatewayV6 is '{network.GatewayV6}'. Write an IPv6 address, or leave it out.");
        }
        else if (network.GatewayV6.Length > 0 && !v6)
        {
            errors.Add($"{path}:GatewayV6 is {network.GatewayV6}, and no member has an IPv6 address there. Give each one, or leave the gateway out.");
        }
    }

    private static HashSet<AddressFamily> Families(IEnumerable<string> addresses) =>
        [.. addresses.Where(a => InetAddress.TryParse(a, out _)).Select(a => InetAddress.Parse(a).Family)];
}

using System.Globalization;
using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary>A node's configuration as environment variables, which every host reads over the program's own files.</summary>
internal static class UpConfiguration
{
    /// <summary>The variables of a node.</summary>
    /// <param name="node">Which.</param>
    /// <param name="services">The farm's services and their ports.</param>
    /// <param name="directory">Where the control sockets are made, and the certificates are.</param>
    public static Dictionary<string, string> Environment(DemoNode node, IEnumerable<(string Name, int Port)> services, string directory)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["XDG_RUNTIME_DIR"] = directory,
            ["Baton__Node"] = node.Name,
            ["Baton__Secret"] = "a farm on one machine has no secret",
            ["Baton__Security__Directory"] = Path.Combine(directory, DemoCertificates.FolderName),
            ["Baton__SpinTime"] = "00:00:00",
            ["Baton__HandoffBudget"] = DemoConfiguration.HandoffBudget,
        };
        AddNetwork(variables, "Front", DemoConfiguration.FrontMac(node).ToString(), AddressPlan.FrontMtu, AddressPlan.V4.RouterInside.ToString());
        AddNetwork(variables, "Lan", DemoConfiguration.LanMac(node).ToString(), AddressPlan.LanMtu, "");
        foreach (var (index, member) in AddressPlan.V4.Nodes.Index())
        {
            string prefix = Item("Members", index);
            variables[prefix + "Name"] = member.Name;
            variables[prefix + "Id"] = member.Id.ToString(CultureInfo.InvariantCulture);
            variables[prefix + "Lan"] = member.Lan.ToString();
            variables[prefix + "Front"] = member.Front.ToString();
            variables[prefix + "ServiceAddresses__0"] = member.Service.ToString();
        }

        foreach (var (index, service) in services.Index())
        {
            string prefix = Item("Services", index);
            variables[prefix + "Name"] = service.Name;
            variables[prefix + "Protocol"] = "tcp";
            variables[prefix + "Port"] = service.Port.ToString(CultureInfo.InvariantCulture);
            variables[prefix + "Placement"] = "handshake";
        }

        return variables;
    }

    private static string Item(string list, int index) => string.Create(CultureInfo.InvariantCulture, $"Baton__{list}__{index}__");

    private static void AddNetwork(Dictionary<string, string> variables, string device, string address, int mtu, string gateway)
    {
        string prefix = $"Baton__{device}__";
        variables[prefix + "Device"] = device == "Front" ? "front" : "lan";
        variables[prefix + "MacAddress"] = address;
        variables[prefix + "Mtu"] = mtu.ToString(CultureInfo.InvariantCulture);
        variables[prefix + "PrefixLength"] = AddressPlan.V4.PrefixLength.ToString(CultureInfo.InvariantCulture);
        variables[prefix + "Gateway"] = gateway;
    }
}

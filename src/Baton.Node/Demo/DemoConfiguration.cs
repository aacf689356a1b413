using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Baton.Hosting;
using Baton.Node.Samples;
using Baton.Samples;
using Baton.Wire;

namespace Baton.Node.Demo;

/// <summary>The configuration of the demonstration's farm: one file for all nodes, as a user would write it.</summary>
internal static class DemoConfiguration
{
    /// <summary>Short requests, placed at the handshake by load.</summary>
    public const int WebPort = 80;

    /// <summary>The dispatcher, which decides when it has read the request.</summary>
    public const int FilesPort = 8080;

    /// <summary>TCP echo, placed at the handshake.</summary>
    public const int EchoPort = 7;

    /// <summary>UDP echo; stays where it arrives until it is moved.</summary>
    public const int DatagramPort = 7;

    /// <summary>The content of the content-based request, and who holds it.</summary>
    public const string ContentName = "film";

    public const string ContentHolder = "b";

    public const ulong ContentKey = 0x66_696C_6D00_0001;

    public const int ContentLength = 8 << 20;

    /// <summary>
    /// Two cores may have to run all nodes, the relay and the client at once: a node that is not scheduled in time is no
    /// reason to call a move off.
    /// </summary>
    public const string HandoffBudget = "00:00:00.100";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The nodes' Ethernet addresses, by which captures tell who sent a frame.</summary>
    public static MacAddress FrontMac(DemoNode node) => new(0x02_BA70_0001_00 + (ulong)node.Id);

    /// <inheritdoc cref="FrontMac"/>
    public static MacAddress LanMac(DemoNode node) => new(0x02_BA70_0002_00 + (ulong)node.Id);

    /// <summary>The text of a node's <c>baton.json</c>.</summary>
    public static string Text(AddressPlan plan, DemoNode node, DemoLink link = DemoLink.Tap) => new JsonObject
    {
        [BatonOptions.SectionName] = new JsonObject
        {
            ["Node"] = node.Name,
            ["Secret"] = "the demonstration's secret is no secret",
            ["Security"] = new JsonObject { ["Directory"] = DemoCertificates.FolderName },
            ["SpinTime"] = "00:00:00",
            ["HandoffBudget"] = HandoffBudget,
            ["Members"] = Array(plan.Nodes.Select(Member)),
            ["Front"] = Network("front", link, FrontMac(node), AddressPlan.FrontMtu, plan.PrefixLength, plan.RouterInside.ToString()),
            ["Lan"] = Network("lan", link, LanMac(node), AddressPlan.LanMtu, plan.PrefixLength, gateway: ""),
            ["Services"] = new JsonArray(
                Service("web", "tcp", WebPort, "handshake", "whoami"),
                Service("files", "tcp", FilesPort, "first-request", "dispatcher"),
                Service("echo", "tcp", EchoPort, "handshake", "echo"),
                Service("datagrams", "udp", DatagramPort, "first-request", UdpEcho.ApplicationName)),
        },
        [SampleOptions.SectionName] = new JsonObject
        {
            ["Applications"] = new JsonArray(
                Application("whoami", "web"),
                Application("dispatcher", "files"),
                Application(Streamer.ApplicationName, "files"),
                Application(Receiver.ApplicationName, "files"),
                Application("echo", "echo"),
                Application(UdpEcho.ApplicationName, "datagrams")),
            ["Contents"] = new JsonObject
            {
                [ContentName] = new JsonObject { ["Node"] = ContentHolder, ["Key"] = ContentKey, ["Length"] = ContentLength },
            },
        },
        ["Logging"] = new JsonObject { ["LogLevel"] = new JsonObject { ["Default"] = "Information" } },
    }.ToJsonString(Indented);

    private static JsonObject Member(DemoNode node) => new()
    {
        ["Name"] = node.Name,
        ["Id"] = node.Id,
        ["Lan"] = node.Lan.ToString(),
        ["Front"] = node.Front.ToString(),
        ["ServiceAddresses"] = new JsonArray(node.Service.ToString()),
    };

    private static JsonObject Network(string device, DemoLink link, MacAddress address, int mtu, int prefixLength, string gateway) => new()
    {
        ["Link"] = link.ToString().ToLowerInvariant(),
        ["Device"] = device,
        ["MacAddress"] = address.ToString(),
        ["Mtu"] = mtu,
        ["PrefixLength"] = prefixLength,
        ["Gateway"] = gateway,
    };

    private static JsonObject Service(string name, string protocol, int port, string placement, string application) => new()
    {
        ["Name"] = name,
        ["Protocol"] = protocol,
        ["Port"] = port,
        ["Placement"] = placement,
        ["Application"] = application,
    };

    private static JsonObject Application(string name, string service) => new() { ["Name"] = name, ["Service"] = service };

    private static JsonArray Array(IEnumerable<JsonObject> items) => new([.. items]);

    /// <summary>Who sends from a front address, or null for the router.</summary>
    public static string? NodeOfFrontMac(MacAddress address) => AddressPlan.V4.Nodes.FirstOrDefault(n => FrontMac(n) == address)?.Name;
}

using System.Text;
using System.Text.Json.Nodes;
using Baton.Hosting;
using Baton.Node.Demo;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Baton.Node.Tests.Hosting;

public sealed class ConfigurationTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("baton-test-").FullName;

    public ConfigurationTests() => DemoCertificates.Make(_directory);

    private string Valid => TextOf(AddressPlan.V4.Nodes[0]);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_demonstrations_configuration_is_valid_on_each_node()
    {
        foreach (var node in AddressPlan.V4.Nodes)
        {
            var options = Read(TextOf(node));
            Assert.Equal(node.Name, options.Node);
            Assert.Equal(3, options.Members.Count);
            Assert.Equal(4, options.Services.Count);
            Assert.Equal(AddressPlan.LanMtu, options.Lan.Mtu);
            Assert.Empty(BatonOptionsValidator.Warnings(options));
        }
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        string[] errors = Errors("""
            { "Baton": {
                "Node": "x", "Secret": "short", "SpinTime": "soon",
                "Membres": [],
                "Members": [
                  { "Name": "a", "Id": 1, "Lan": "10.0.0.1", "Front": "198.51.100.11", "ServiceAddresses": ["198.51.100.101"] },
                  { "Name": "a", "Id": "one", "Lan": "192.0.2.2", "Front": "198.51.100.11", "Weight": 0 } ],
                "Front": { "Link": "wire", "Device": "a-name-that-is-too-long", "Mtu": 100, "Vlan": 5000, "MacAddress": "01:00:5e:00:00:01" },
                "Services": [
                  { "Name": "web", "Port": 80 },
                  { "Name": "other", "Port": 80, "Placement": "never", "Policy": "best", "Protocol": "sctp", "Addresses": ["198.51.100.200"] } ]
            } }
            """);
        string all = string.Join('\n', errors);
        foreach (string part in (string[])
            [
                "Baton:Membres is no setting. Did you mean Members?",
                "Baton:SpinTime is 'soon'",
                "Baton:Members:1:Id is 'one'. Write a number",
                "Baton:Secret has fewer than 16 characters",
                "Baton:Node is 'x', which is no member",
                "Baton:Members:0:Lan is 10.0.0.1",
                "Baton:Members:1:Name is 'a', which another one has too",
                "Baton:Members:1:Id is 0",
                "Baton:Members:1:Front is 198.51.100.11, which is Baton:Members:0:Front already",
                "Baton:Members:1:Weight is 0",
                "Baton:Front:Device is 'a-name-that-is-too-long'",
                "Baton:Front:Link is 'wire'. Write tap, packet, xdp or auto.",
                "Baton:Front:Mtu is 100",
                "Baton:Front:Vlan is 5000. Write 1 to 4094 with Link xdp",
                "Baton:Front:MacAddress is '01:00:5e:00:00:01'",
                "Baton:Services:1:Placement is 'never'. Write handshake or first-request.",
                "Baton:Services:1:Policy is 'best'",
                "Baton:Services:1:Protocol is 'sctp'",
                "Baton:Services:1:Addresses has 198.51.100.200, which no member is home of",
            ])
        {
            Assert.Contains(part, all, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Each_error_says_what_to_write()
    {
        foreach (string error in Errors("""{ "Baton": { "Node": "" } }"""))
        {
            Assert.Matches("Write|List|Give|Use", error);
        }
    }

    [Fact]
    public void A_lan_that_others_may_reach_needs_certificates_or_insecure()
    {
        string reachable = Valid.Replace("192.0.2.", "10.1.2.", StringComparison.Ordinal);
        Read(reachable);

        string open = WithoutSecurity(reachable);
        Assert.Equal(3, Errors(open).Count(e => e.Contains("\"Insecure\": true", StringComparison.Ordinal) && e.Contains("baton farm init", StringComparison.Ordinal)));

        var allowed = Read(open.Replace("\"Secret\"", "\"Insecure\": true, \"Secret\"", StringComparison.Ordinal));
        Assert.Contains(BatonOptionsValidator.Warnings(allowed), w => w.Contains("Insecure", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_services_may_not_share_port_and_address()
    {
        string[] errors = Errors(Valid.Replace("\"Port\": 8080", "\"Port\": 80", StringComparison.Ordinal));
        Assert.Equal("Baton:Services:1:Port is 80, which service 'web' has at the same address. Use another port or other Addresses.", Assert.Single(errors));
    }

    [Fact]
    public void A_lan_too_small_for_encapsulated_packets_is_warned_of()
    {
        var options = Read(Valid.Replace("\"Mtu\": 9000", "\"Mtu\": 1500", StringComparison.Ordinal));
        Assert.Contains("1668", Assert.Single(BatonOptionsValidator.Warnings(options)), StringComparison.Ordinal);
    }

    private static string WithoutSecurity(string json)
    {
        var root = JsonNode.Parse(json)!;
        root["Baton"]!.AsObject().Remove("Security");
        return root.ToJsonString();
    }

    private string TextOf(DemoNode node) => DemoConfiguration.Text(AddressPlan.V4, node).Replace(
        $"\"Directory\": \"{DemoCertificates.FolderName}\"", $"\"Directory\": \"{Path.Combine(_directory, DemoCertificates.FolderName)}\"", StringComparison.Ordinal);

    private static BatonOptions Read(string json)
    {
        var configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        var services = new ServiceCollection();
        services.AddBaton(configuration.GetSection(BatonOptions.SectionName));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<BatonOptions>>().Value;
    }

    private static string[] Errors(string json) => [.. Assert.Throws<OptionsValidationException>(() => Read(json)).Failures];
}

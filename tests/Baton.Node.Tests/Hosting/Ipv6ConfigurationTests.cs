using System.Text;
using Baton.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Baton.Node.Tests.Hosting;

/// <summary>IPv6 addresses wherever an address is written, and what is said when families do not fit.</summary>
public sealed class Ipv6ConfigurationTests
{
    private const string Both = """
        { "Baton": {
            "Node": "a", "Secret": "0123456789abcdef0123",
            "Members": [
              { "Name": "a", "Id": 1, "Lan": "2001:db8:2::1", "Front": "198.51.100.11", "FrontV6": "2001:db8:1::11",
                "ServiceAddresses": [ "198.51.100.101", "2001:db8:1::101" ] },
              { "Name": "b", "Id": 2, "Lan": "2001:db8:2::2", "Front": "198.51.100.12", "FrontV6": "2001:db8:1::12",
                "ServiceAddresses": [ "2001:db8:1::102" ] } ],
            "Front": { "Device": "front", "PrefixLength": 24, "Gateway": "198.51.100.1", "GatewayV6": "fe80::1" },
            "Lan": { "Device": "lan", "PrefixLength": 64, "Mtu": 1700 },
            "Services": [ { "Name": "web", "Port": 80, "Addresses": [ "2001:DB8:1:0::101" ] } ]
        } }
        """;

    [Fact]
    public void Addresses_of_both_families_are_taken_in_any_spelling()
    {
        var options = Read(Both);
        Assert.Equal("2001:db8:1::11", options.Members[0].FrontV6);
        Assert.Equal(64, options.Front.PrefixLengthV6);
    }

    [Theory]
    [InlineData("\"FrontV6\": \"2001:db8:1::12\",", "", "Baton:Members:1:ServiceAddresses:0 is 2001:db8:1::102, and the node has no address of that family on the front.")]
    [InlineData("\"FrontV6\": \"2001:db8:1::12\"", "\"FrontV6\": \"198.51.100.99\"", "Baton:Members:1:FrontV6 is 198.51.100.99. Write an IPv6 address")]
    [InlineData("\"Lan\": \"2001:db8:2::2\"", "\"Lan\": \"192.0.2.2\"", "IPv4 and IPv6 addresses on the lan. Write one family for all.")]
    [InlineData("\"Gateway\": \"198.51.100.1\"", "\"Gateway\": \"fe80::1\"", "Baton:Front:Gateway is fe80::1, and the addresses are of the other family. Write it as GatewayV6.")]
    [InlineData("\"GatewayV6\": \"fe80::1\"", "\"GatewayV6\": \"198.51.100.1\"", "Baton:Front:GatewayV6 is '198.51.100.1'. Write an IPv6 address")]
    [InlineData("\"PrefixLength\": 24", "\"PrefixLength\": 64", "Baton:Front:PrefixLength is 64, and the addresses are IPv4. Write a number from 1 to 32")]
    [InlineData("\"Mtu\": 1700", "\"Mtu\": 1000", "Baton:Lan:Mtu is 1000, and IPv6 takes 1280 or more.")]
    [InlineData("\"Front\": \"198.51.100.12\"", "\"Front\": \"2001:db8:1::99\"", "Leave FrontV6 out, or write an IPv4 address as Front.")]
    [InlineData("2001:DB8:1:0::101", "2001:db8:1::199", "Baton:Services:0:Addresses has 2001:db8:1::199, which no member is home of.")]
    public void What_does_not_fit_is_named_with_what_to_write(string good, string bad, string message)
    {
        Assert.Contains(good, Both, StringComparison.Ordinal);
        var errors = Assert.Throws<OptionsValidationException>(() => Read(Both.Replace(good, bad, StringComparison.Ordinal))).Failures;
        Assert.Contains(errors, error => error.Contains(message, StringComparison.Ordinal));
    }

    private static BatonOptions Read(string json)
    {
        var configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        var services = new ServiceCollection();
        services.AddBaton(configuration.GetSection(BatonOptions.SectionName));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<BatonOptions>>().Value;
    }
}

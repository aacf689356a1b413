using System.Globalization;
using System.Net;
using Baton.Node.Demo;
using Baton.Wire;

namespace Baton.Node.Tests.Demo;

public sealed class AddressPlanTests
{
    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public void Every_address_is_used_once(bool v6)
    {
        var plan = Plan(v6);
        IPAddress[] all =
        [
            plan.Client, plan.RouterInside, plan.RouterOutside,
            .. plan.Nodes.SelectMany(n => (IPAddress[])[n.Front, n.Service, n.Lan]),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, address => Assert.Equal(v6, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Node_and_service_addresses_are_on_the_front_and_the_client_is_not(bool v6)
    {
        var plan = Plan(v6);
        var front = Wire(plan.RouterInside);
        Assert.All(plan.Nodes, n => Assert.True(Wire(n.Front).IsIn(front, plan.PrefixLength)));
        Assert.All(plan.Nodes, n => Assert.True(Wire(n.Service).IsIn(front, plan.PrefixLength)));
        Assert.False(Wire(plan.Client).IsIn(front, plan.PrefixLength));
    }

    [Fact]
    public void A_connection_is_named_by_the_clients_address_and_port()
    {
        Assert.Equal("203.0.113.2:20001", AddressPlan.V4.ClientName(AddressPlan.DownloadPort));
        Assert.Equal("[2001:db8:3::2]:20001", AddressPlan.V6.ClientName(AddressPlan.DownloadPort));
    }

    [Fact]
    public void The_lan_has_room_for_the_encapsulation() => Assert.True(AddressPlan.LanMtu >= AddressPlan.FrontMtu + 168);

    [Fact]
    public void Nodes_are_told_apart_by_their_ethernet_addresses()
    {
        Assert.Equal("02:ba:70:00:01:01", DemoConfiguration.FrontMac(AddressPlan.V4.Nodes[0]).ToString());
        Assert.All(AddressPlan.V4.Nodes, n => Assert.Equal(n.Name, DemoConfiguration.NodeOfFrontMac(DemoConfiguration.FrontMac(n))));
        Assert.Null(DemoConfiguration.NodeOfFrontMac(DemoConfiguration.LanMac(AddressPlan.V4.Nodes[0])));
    }

    [Fact]
    public void No_port_that_names_a_connection_is_one_that_the_kernel_gives_by_itself()
    {
        int first = int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t')[0], CultureInfo.InvariantCulture);
        int[] ports = [AddressPlan.DownloadPort, AddressPlan.UploadPort, AddressPlan.DatagramPort, AddressPlan.ContentPort];
        Assert.All(ports, port => Assert.InRange(port, 1024, first - 1));
        Assert.Equal(ports.Length, ports.Distinct().Count());
    }

    [Theory]
    [InlineData("baton-demo-4711-client", 4711)]
    [InlineData("baton-demo-4711-a", 4711)]
    public void The_process_that_made_a_namespace_stands_in_its_name(string name, int process) =>
        Assert.Equal(process, DemoNetwork.OwnerOf(name));

    [Theory]
    [InlineData("baton-demo-x-a")]
    [InlineData("baton-demo-1-a-b")]
    [InlineData("other-1-a")]
    [InlineData("")]
    public void Other_peoples_namespaces_are_left_alone(string name) => Assert.Null(DemoNetwork.OwnerOf(name));

    [Theory]
    [InlineData("65536K", 64L << 20)]
    [InlineData("64m", 64L << 20)]
    [InlineData("1G", 1L << 30)]
    [InlineData("67108865", 67108865L)]
    public void A_size_is_understood(string text, long bytes)
    {
        Assert.True(DemoOptions.TryParseSize(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("63M")]
    [InlineData("-1G")]
    [InlineData("4G")]
    [InlineData("9999999999999999999G")]
    public void Another_size_is_refused(string text) => Assert.False(DemoOptions.TryParseSize(text, out _));

    private static AddressPlan Plan(bool v6) => v6 ? AddressPlan.V6 : AddressPlan.V4;

    private static InetAddress Wire(IPAddress address) => InetAddress.FromIPAddress(address);
}

using System.Globalization;
using System.Net;

namespace Baton.Node.Demo;

/// <summary>One node of the demonstration farm.</summary>
/// <param name="Id">Its number in the member list.</param>
/// <param name="Name">Its name, and the last part of its namespace's.</param>
/// <param name="Front">Its own address on the front network.</param>
/// <param name="Service">The address that clients use; no kernel owns it.</param>
/// <param name="Lan">Its address between the nodes.</param>
internal sealed record DemoNode(int Id, string Name, IPAddress Front, IPAddress Service, IPAddress Lan);

/// <summary>
/// Who has which address in the demonstration (the documentation ranges of RFC 5737 and RFC 3849): a client in one subnet, a
/// router, and behind it the front network with three nodes that have a lan of their own.
/// </summary>
internal sealed class AddressPlan
{
    public const int FrontMtu = 1500;

    /// <summary>Room for a full front packet and its encapsulation, and large frames for the nodes' own traffic.</summary>
    public const int LanMtu = 9000;

    /// <summary>
    /// The client's ports that connections are named by. They lie below those that its kernel gives by itself, so that no
    /// other connection ever has the same name.
    /// </summary>
    public const int DownloadPort = 20_001;

    /// <inheritdoc cref="DownloadPort"/>
    public const int UploadPort = 20_002;

    /// <inheritdoc cref="DownloadPort"/>
    public const int DatagramPort = 20_003;

    /// <inheritdoc cref="DownloadPort"/>
    public const int ContentPort = 20_004;

    private AddressPlan(int prefixLength, string client, string front, string lan, int nodeBase, int serviceBase)
    {
        PrefixLength = prefixLength;
        Client = IPAddress.Parse(client + "2");
        RouterOutside = IPAddress.Parse(client + "1");
        RouterInside = IPAddress.Parse(front + "1");
        Nodes = [Node(1, "a"), Node(2, "b"), Node(3, "c")];

        DemoNode Node(int id, string name) => new(id, name, Address(front, nodeBase + id), Address(front, serviceBase + id), Address(lan, id));
        IPAddress Address(string network, int host) =>
            IPAddress.Parse(network + host.ToString(PrefixLength > 32 ? "x" : "d", CultureInfo.InvariantCulture));
    }

    /// <summary>Everything by IPv4.</summary>
    public static AddressPlan V4 { get; } = new(24, client: "203.0.113.", front: "198.51.100.", lan: "192.0.2.", nodeBase: 10, serviceBase: 100);

    /// <summary>The same by IPv6.</summary>
    public static AddressPlan V6 { get; } =
        new(64, client: "2001:db8:3::", front: "2001:db8:1::", lan: "2001:db8:2::", nodeBase: 0x10, serviceBase: 0x100);

    public bool IsV6 => Client.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    public int PrefixLength { get; }

    public IPAddress Client { get; }

    public IPAddress RouterOutside { get; }

    public IPAddress RouterInside { get; }

    /// <summary>Nodes a, b and c.</summary>
    public IReadOnlyList<DemoNode> Nodes { get; }

    /// <summary>The address with the prefix length, as <c>ip</c> wants it.</summary>
    public string WithPrefix(IPAddress address) => string.Create(CultureInfo.InvariantCulture, $"{address}/{PrefixLength}");

    /// <summary>The address and port that names a client's connection, as the tool writes it.</summary>
    public string ClientName(int port) => new IPEndPoint(Client, port).ToString();

    /// <summary>Where clients ask: a port of A's service address.</summary>
    public IPEndPoint Service(int port) => new(Nodes[0].Service, port);
}

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
/// Who has which address in the demonstration (the documentation ranges of RFC 5737): a client in one subnet, a router,
/// and behind it the front network with three nodes that have a lan of their own.
/// </summary>
internal static class AddressPlan
{
    public const int FrontMtu = 1500;

    /// <summary>Room for a full front packet and its encapsulation, and large frames for the nodes' own traffic.</summary>
    public const int LanMtu = 9000;

    public const int PrefixLength = 24;

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

    public static IPAddress Client { get; } = IPAddress.Parse("203.0.113.2");

    public static IPAddress RouterOutside { get; } = IPAddress.Parse("203.0.113.1");

    public static IPAddress RouterInside { get; } = IPAddress.Parse("198.51.100.1");

    /// <summary>Nodes a, b and c.</summary>
    public static IReadOnlyList<DemoNode> Nodes { get; } = [Node(1, "a"), Node(2, "b"), Node(3, "c")];

    /// <summary>The address with the prefix length, as <c>ip</c> and the configuration want it.</summary>
    public static string WithPrefix(IPAddress address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address}/{PrefixLength}");

    private static DemoNode Node(int id, string name) => new(
        id,
        name,
        IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"198.51.100.{10 + id}")),
        IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"198.51.100.{100 + id}")),
        IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"192.0.2.{id}")));
}

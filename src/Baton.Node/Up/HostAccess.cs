using System.Globalization;
using System.Net;
using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary>
/// How a browser on this machine reaches the farm. As root, a device that leads to the router and a route to the front
/// network, both gone with the router's namespace; without, a command that enters the client's namespace.
/// </summary>
internal sealed class HostAccess : IAsyncDisposable
{
    private const string Device = "baton-up";
    private static readonly IPAddress s_here = IPAddress.Parse("203.0.113.254"), s_router = IPAddress.Parse("203.0.113.253");
    private readonly System.Diagnostics.Process? _inside;

    private HostAccess(System.Diagnostics.Process? inside) => _inside = inside;

    public static async Task<HostAccess> OpenAsync(DemoNetwork network, CancellationToken cancellation)
    {
        if (Unprivileged.IsInside)
        {
            // Somebody whose namespace can be named from outside by a process number; ends with this process's pipe.
            return new(Tool.Start("ip", ["netns", "exec", network.Client, "cat"]));
        }

        string front = string.Create(CultureInfo.InvariantCulture, $"198.51.100.0/{AddressPlan.V4.PrefixLength}");
        await Tool.RequireAsync("ip", ["-batch", "-"], $"link add {Device} type veth peer name host netns {network.Router}\n", cancellation);
        await Tool.RequireAsync(
            "ip", ["-n", network.Router, "-batch", "-"], $"addr add {s_router}/30 dev host\nlink set host up\n", cancellation);
        await Tool.RequireAsync(
            "ip",
            ["-batch", "-"],
            $"addr add {s_here}/30 dev {Device}\nlink set {Device} up\nroute add {front} via {s_router} dev {Device}\n",
            cancellation);
        return new(null);
    }

    /// <summary>What to type to reach <paramref name="address"/>.</summary>
    public string Explain(string address) => _inside is null
        ? $"http://{address}/"
        : string.Create(CultureInfo.InvariantCulture, $"nsenter --preserve-credentials -U -n -t {_inside.Id} curl http://{address}/");

    public async ValueTask DisposeAsync()
    {
        if (_inside is null)
        {
            await Tool.RunAsync("ip", ["link", "delete", Device]);
            return;
        }

        _inside.StandardInput.Close();
        await _inside.WaitForExitAsync();
        _inside.Dispose();
    }
}

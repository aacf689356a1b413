using System.Net.Sockets;
using System.Text;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>Applications on a farm's nodes, and what a client says to them.</summary>
internal static class TestApplications
{
    /// <summary>Binds an application to a service at each of the nodes given (without any: at all).</summary>
    public static async Task ServeAsync(this RealFarm farm, string service, Func<RealNode, SampleApplication> make, params RealNode[] nodes)
    {
        foreach (var node in nodes.Length > 0 ? nodes : [.. farm.Nodes])
        {
            var application = make(node);
            var listener = await node.Engine.BindAsync(new BatonEndPoint(service), application.Name);
            _ = AcceptAsync(listener, application, farm.Stopping);
        }
    }

    /// <summary>Binds <see cref="TagServer"/> to a service at each of the nodes given (without any: at all).</summary>
    public static Task ServeTagsAsync(this RealFarm farm, string service, params RealNode[] nodes) =>
        farm.ServeAsync(service, node => new TagServer(node.Name), nodes);

    /// <summary>Sends a line and gives the answer's.</summary>
    public static async Task<string> AskAsync(this Socket client, string line)
    {
        await client.SendAsync(Encoding.ASCII.GetBytes(line + "\n"), Wait.Patience());
        return await client.ReadLineAsync();
    }

    /// <summary>Reads a line.</summary>
    public static async Task<string> ReadLineAsync(this Socket client)
    {
        var text = new StringBuilder();
        byte[] one = new byte[1];
        while (true)
        {
            Assert.True(await client.ReceiveAsync(one, Wait.Patience()) == 1, $"the connection ended after '{text}'");
            if (one[0] == '\n')
            {
                return text.ToString();
            }

            text.Append((char)one[0]);
        }
    }

    /// <summary>Sends a datagram and gives the answer.</summary>
    public static async Task<string> AskDatagramAsync(this Socket client, string text)
    {
        byte[] buffer = new byte[2048];
        await client.SendAsync(Encoding.ASCII.GetBytes(text), Wait.Patience());
        return Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer, Wait.Patience()));
    }

    /// <summary>Serves what a listener accepts, until the farm stops.</summary>
    public static async Task AcceptAsync(Listener listener, SampleApplication application, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(application, await listener.AcceptAsync(stopping));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException)
        {
            await listener.DisposeAsync();
        }
    }

    private static async Task ServeAsync(SampleApplication application, Connection connection)
    {
        await Task.Yield();
        await using (connection)
        {
            try
            {
                await application.ServeAsync(connection);
            }
            catch (BatonException)
            {
                // The connection ended or left under the application.
            }
        }
    }
}

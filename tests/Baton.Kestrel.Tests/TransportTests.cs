using System.Buffers;
using System.Net;
using System.Text;
using Baton.Engine.Tests;
using Baton.Kestrel.Tests.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Kestrel.Tests;

/// <summary>What Kestrel and applications expect of a transport besides HTTP.</summary>
public sealed class TransportTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm\r\nConnection: close\r\n\r\n";

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task Https_of_Kestrels_own_is_served()
    {
        await using var farm = await WebFarm.StartAsync(1, Map, listen: static (listen, _) => listen.UseHttps(TestCertificates.Server));
        await using var tls = await TlsClients.HandshakeAsync((await farm.ConnectAsync()).Stream);
        for (int i = 0; i < 3; i++)
        {
            string answer = await TlsClients.AskAsync(tls, "GET / HTTP/1.1\r\nHost: farm.test\r\n\r\n", "\r\n\r\nn1");
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
        }

        Assert.Empty(farm.Log.Lines);
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_connection_of_the_applications_own_goes_over_the_nodes_stack()
    {
        await using var farm = await WebFarm.StartAsync(2, Map);
        var factory = farm.Nodes[0].Services.GetRequiredService<IConnectionFactory>();
        await using var connection = await factory.ConnectAsync(new IPEndPoint(IPAddress.Parse("198.51.100.102"), 80), WebFarm.Patience());

        // Two writes: neither waits until the other is acknowledged.
        await connection.Transport.Output.WriteAsync(Encoding.Latin1.GetBytes(Get[..10]), WebFarm.Patience());
        await connection.Transport.Output.WriteAsync(Encoding.Latin1.GetBytes(Get[10..]), WebFarm.Patience());

        string answer = "";
        while (await connection.Transport.Input.ReadAsync(WebFarm.Patience()) is var read && !(read.IsCompleted && read.Buffer.IsEmpty))
        {
            answer += Encoding.Latin1.GetString(read.Buffer.ToArray());
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        }

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
        Assert.EndsWith("n2", answer);
        Assert.Equal(new IPEndPoint(IPAddress.Parse("198.51.100.102"), 80), connection.RemoteEndPoint);
    }

    private static void Map(WebApplication app, string name) => app.Run(context =>
    {
        context.Response.ContentLength = name.Length;
        return context.Response.WriteAsync(name);
    });
}

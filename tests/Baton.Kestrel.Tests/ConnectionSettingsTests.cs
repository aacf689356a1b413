using Baton.Engine;
using Baton.Engine.Tests;
using Baton.Hosting;
using Baton.Tcp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Kestrel.Tests;

/// <summary>From the lines of a configuration to the connections that Kestrel serves.</summary>
public sealed class ConnectionSettingsTests
{
    private static readonly Dictionary<string, string?> s_lines = new()
    {
        ["Services:0:Name"] = "web",
        ["Services:0:Port"] = "80",
        ["Services:0:Connections:Congestion"] = "bbr",
        ["Services:0:Connections:KeepAliveTime"] = "00:00:07",
        ["Services:0:Connections:KeepAliveInterval"] = "00:00:03",
        ["Services:0:Connections:KeepAliveProbes"] = "4",
        ["Services:0:Connections:UserTimeout"] = "00:00:30",
        ["Services:0:Connections:Linger"] = "00:00:20",
        ["Services:0:Connections:NotSentLimit"] = "32768",
        ["Services:0:Connections:SendBuffer"] = "100000",
        ["Services:0:Connections:ReceiveBuffer"] = "262144",
        ["Services:0:Connections:Dscp"] = "46",
        ["Services:0:Connections:HopLimit"] = "77",
    };

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task What_the_configuration_says_of_a_services_connections_holds_for_those_that_Kestrel_serves()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(s_lines).Build();
        ConnectionOptions? seen = null;
        await using var farm = await WebFarm.StartAsync(
            1,
            (node, _) => node.MapGet("/", async context =>
            {
                seen = await context.Features.Get<IBatonConnectionFeature>()!.Connection.GetOptionsAsync();
                await context.Response.WriteAsync("seen");
            }),
            services: services => services.PostConfigure<BatonOptions>(options =>
            {
                options.Services.Clear();
                configuration.Bind(options);
            }));
        var client = await farm.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: farm.test\r\nConnection: close\r\n\r\n");
        Assert.Contains("seen", await client.ToEndAsync());
        Assert.Equal(
            new ConnectionOptions
            {
                Congestion = CongestionAlgorithm.Bbr,
                KeepAliveTime = TimeSpan.FromSeconds(7),
                KeepAliveInterval = TimeSpan.FromSeconds(3),
                KeepAliveProbes = 4,
                UserTimeout = TimeSpan.FromSeconds(30),
                Linger = TimeSpan.FromSeconds(20),
                NotSentLimit = 32768,
                SendBuffer = 100_000,
                ReceiveBuffer = 1 << 18,
                Dscp = 46,
                HopLimit = 77,
                NoDelay = true, // Kestrel's default.
                Cork = false,
            },
            seen);
    }
}

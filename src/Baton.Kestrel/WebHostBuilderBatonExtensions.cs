using Baton.Engine;
using Baton.Hosting;
using Baton.Kestrel;
using Baton.Kestrel.Hubs;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>ASP.NET Core on the farm.</summary>
public static class WebHostBuilderBatonExtensions
{
    /// <summary>
    /// Makes the process a node of the farm, as <c>AddBaton</c> does, and Kestrel serve its services. Addresses of the
    /// kernel stay usable beside them.
    /// </summary>
    /// <param name="builder">The web host's builder.</param>
    /// <param name="services">The services of the farm that Kestrel serves over HTTP.</param>
    public static IWebHostBuilder UseBaton(this IWebHostBuilder builder, params string[] services) =>
        builder.UseBaton(options =>
        {
            foreach (string service in services)
            {
                options.Services.Add(service);
            }
        });

    /// <inheritdoc cref="UseBaton(IWebHostBuilder, string[])"/>
    /// <param name="builder">The web host's builder.</param>
    /// <param name="configure">Sets the transport's options.</param>
    public static IWebHostBuilder UseBaton(this IWebHostBuilder builder, Action<BatonTransportOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.ConfigureAppConfiguration((_, configuration) => configuration.AddBatonFile());
        return builder.ConfigureServices((context, services) =>
        {
            services.Configure(configure);
            if (services.Any(service => service.ServiceType == typeof(BatonTransportFactory)))
            {
                return;
            }

            if (services.All(service => service.ServiceType != typeof(BatonNode)))
            {
                services.AddBaton(context.Configuration.GetSection(BatonOptions.SectionName));
            }

            services.AddSingleton<BatonTransportFactory>();
            services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<BatonTransportFactory>());
            services.TryAddSingleton<IConnectionFactory, BatonConnectionFactory>();
            services.AddSingleton<IStartupFilter, HandoffStartupFilter>();
            services.AddHostedService<DrainOnStop>();
            services.Configure<HubOptions>(static hubs => hubs.AddFilter<HubCallFilter>());
            services.AddOptions<KestrelServerOptions>().Configure<Extensions.Options.IOptions<BatonTransportOptions>>((kestrel, transport) =>
            {
                foreach (string service in transport.Value.Services)
                {
                    kestrel.Listen(new BatonEndPoint(service));
                }
            });
        });
    }
}

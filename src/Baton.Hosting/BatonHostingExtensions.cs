using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Baton.Hosting;

/// <summary>Makes the process a node of the farm.</summary>
public static class BatonHostingExtensions
{
    /// <summary>
    /// Adds the node: its configuration (section <c>Baton</c> of the host's sources and, beneath them all, of
    /// <c>baton.json</c>), engine, control API and metrics. The configuration is checked when the host starts, and every
    /// error is reported at once.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Changes what the configuration says, in code.</param>
    public static IHostApplicationBuilder AddBaton(this IHostApplicationBuilder builder, Action<BatonOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Configuration.AddBatonFile();
        builder.Services.AddBaton(builder.Configuration.GetSection(BatonOptions.SectionName), configure);
        return builder;
    }

    /// <summary>Adds <c>baton.json</c>, where it exists, beneath all other sources.</summary>
    public static IConfigurationBuilder AddBatonFile(this IConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var file = new JsonConfigurationSource { Path = "baton.json", Optional = true };
        file.ResolveFileProvider();
        builder.Sources.Insert(0, file);
        return builder;
    }

    /// <summary>Adds the node, configured by <paramref name="section"/>.</summary>
    public static IServiceCollection AddBaton(
        this IServiceCollection services, IConfigurationSection section, Action<BatonOptions>? configure = null)
    {
        services.AddOptions<BatonOptions>().Configure<IServiceProvider>((options, provider) =>
        {
            options.BaseDirectory = provider.GetService<IHostEnvironment>()?.ContentRootPath ?? "";
            var (errors, bindable) = ConfigurationShape.Check(section, typeof(BatonOptions));
            bindable.Bind(options);
            options.ShapeErrors = errors;
            configure?.Invoke(options);
        }).ValidateOnStart();
        services.AddSingleton<IValidateOptions<BatonOptions>, BatonOptionsValidator>();
        services.AddSingleton<BatonNode>();
        services.AddHostedService(provider => provider.GetRequiredService<BatonNode>());
        return services;
    }

    /// <summary>Adds an application that runs while the node does.</summary>
    public static IServiceCollection AddBatonApplication<T>(this IServiceCollection services)
        where T : class, IBatonApplication => services.AddSingleton<IBatonApplication, T>();
}

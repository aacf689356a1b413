using System.CommandLine;
using Baton.Hosting;
using Baton.Node.Samples;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Baton.Node.Cli;

/// <summary><c>baton node</c>: a node that runs sample applications. Any program that calls <c>AddBaton</c> is a node too.</summary>
internal static class NodeVerb
{
    public static Command Create()
    {
        var config = new Option<FileInfo>("--config") { Description = "The configuration.", DefaultValueFactory = _ => new("baton.json"), HelpName = "FILE" };
        var name = new Option<string>("--name") { Description = "Which of the configuration's members this is, instead of Baton:Node.", HelpName = "NODE" };
        var tied = new Option<bool>("--stop-at-end-of-input") { Description = "Stop when standard input ends.", Hidden = true };
        var command = new Command("node", "Run a node with the sample applications that its configuration names.") { config, name, tied };
        command.SetAction(async parsed =>
        {
            var file = parsed.GetRequiredValue(config);
            if (!file.Exists)
            {
                Console.Error.WriteLine($"baton: {file.FullName} does not exist. docs/operating.md shows a configuration to start from; --config names another file.");
                return ExitCode.Misuse;
            }

            using var host = BuildHost(file, parsed.GetValue(name));
            if (parsed.GetValue(tied))
            {
                StopAtEndOfInput(host.Services.GetRequiredService<IHostApplicationLifetime>());
            }

            await host.RunAsync();
            return ExitCode.Success;
        });
        return command;
    }

    private static IHost BuildHost(FileInfo config, string? name)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { ContentRootPath = config.DirectoryName });
        builder.Configuration.AddJsonFile(config.FullName, optional: false).AddEnvironmentVariables();
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.AddSimpleConsole(o => (o.SingleLine, o.TimestampFormat, o.UseUtcTimestamp) = (true, "HH:mm:ss.fff ", true));
        builder.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.AddBaton(options => options.Node = name ?? options.Node);
        builder.Services.Configure<SampleOptions>(builder.Configuration.GetSection(SampleOptions.SectionName));
        builder.Services.AddBatonApplication<SampleHost>();
        return builder.Build();
    }

    private static void StopAtEndOfInput(IHostApplicationLifetime lifetime) => new Thread(() =>
    {
        while (Console.In.Read() >= 0)
        {
        }

        lifetime.StopApplication();
    })
    {
        IsBackground = true,
        Name = "end of input",
    }.Start();
}

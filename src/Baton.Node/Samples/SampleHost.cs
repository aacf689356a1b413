using Baton.Engine;
using Baton.Hosting;
using Baton.Samples;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Node.Samples;

/// <summary>Runs the sample applications that the configuration names.</summary>
internal sealed partial class SampleHost(IOptions<SampleOptions> options, ILogger<SampleHost> logger) : IBatonApplication
{
    public string Name => "samples";

    public async Task RunAsync(BatonEngine engine, CancellationToken cancellationToken)
    {
        string node = engine.Self.Name;
        var local = new LocalApplications(engine) { OnFailure = (name, failure) => Failed(logger, name, failure) };
        var contents = options.Value.Contents.ToDictionary(c => c.Key, c => new Content(c.Value.Node, c.Value.Key, c.Value.Length));
        local.Add(new Whoami(node));
        local.Add(new TcpEcho());
        local.Add(new Dispatcher(node, contents, local));
        local.Add(new Streamer());
        local.Add(new Receiver(node));
        var datagrams = new UdpEcho(node, engine);
        await Task.WhenAll(options.Value.Applications.Select(binding =>
        {
            var service = new BatonEndPoint(binding.Service, binding.Port > 0 ? (ushort)binding.Port : null);
            return binding.Name == UdpEcho.ApplicationName
                ? datagrams.RunAsync(service, cancellationToken)
                : local.RunAsync(binding.Name, service, cancellationToken);
        }));
    }

    [LoggerMessage(1102, LogLevel.Error, "Serving a connection by {Application} failed")]
    private static partial void Failed(ILogger logger, string application, Exception failure);
}

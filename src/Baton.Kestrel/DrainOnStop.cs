using Baton.Engine;
using Baton.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Kestrel;

/// <summary>Gives the node's connections to other nodes when the host begins to stop, before Kestrel does.</summary>
internal sealed class DrainOnStop(BatonNode node, IOptions<BatonTransportOptions> options, ILogger<DrainOnStop> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var engine = node.Engine;
        var limit = options.Value.DrainTimeout;
        if (limit <= TimeSpan.Zero || !engine.Members.Any(member => member.Reachable && member.Id != engine.Self.Id))
        {
            return;
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        var last = new LastProgress();
        try
        {
            last.Report(await engine.DrainAsync(last, deadline.Token));
        }
        catch (OperationCanceledException)
        {
            // What is left then is closed by Kestrel.
        }

        KestrelLog.Drained(logger, last.Value.Moved, last.Value.Remaining);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private sealed class LastProgress : IProgress<DrainProgress>
    {
        public DrainProgress Value { get; private set; } = default!;

        public void Report(DrainProgress value) => Value = value;
    }
}

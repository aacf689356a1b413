using Baton.Engine;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Hosting;

/// <summary>
/// The node in this process: starts links, engine, applications and control API with the host, in this order, and stops
/// them in the reverse.
/// </summary>
public sealed class BatonNode : IHostedService, IAsyncDisposable
{
    private readonly IOptions<BatonOptions> _options;
    private readonly IEnumerable<IBatonApplication> _applications;
    private readonly ILogger<BatonNode> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _running = [];
    private BatonEngine? _engine;
    private BatonMetrics? _metrics;
    private FarmCertificates? _certificates;
    private CaptureControl? _captures;
    private ControlServer? _control;

    /// <summary>Made by the host.</summary>
    public BatonNode(IOptions<BatonOptions> options, IEnumerable<IBatonApplication> applications, ILogger<BatonNode> logger)
    {
        _options = options;
        _applications = applications;
        _logger = logger;
    }

    /// <summary>The engine; there once the host has started.</summary>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    public BatonEngine Engine => _engine ?? throw new InvalidOperationException("The node has not started yet.");

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var options = _options.Value;
        foreach (string warning in BatonOptionsValidator.Warnings(options))
        {
            LogEvents.ConfigurationWarning(_logger, warning);
        }

        var socket = ControlSocket.Take(options.ControlSocket.Length > 0 ? options.ControlSocket : ControlSocket.DefaultPath(options.Node));
        try
        {
            await StartEngineAsync(options, cancellationToken);
            var node = new NodeControl(Engine, TimeProvider.System);
            var farm = new FarmControl(Engine, node);
            Engine.OnQuery = farm.AnswerAsync;
            _control = await ControlServer.StartAsync(socket, node, farm, _captures!, cancellationToken);
        }
        catch
        {
            socket.Dispose();
            await DisposeAsync();
            throw;
        }

        _running.AddRange(_applications.Select(RunAsync));
        LogEvents.Started(
            _logger, options.Node, Engine.Self.FrontAddress.ToString(), Engine.Self.LanAddress.ToString(),
            string.Join(", ", Engine.Self.ServiceAddresses), socket.FilePath);
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        LogEvents.Stopping(_logger, _options.Value.Node);
        await DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        if (_control is not null)
        {
            await _control.DisposeAsync();
        }

        await Task.WhenAll(_running);
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }

        _metrics?.Dispose();
        _certificates?.Dispose();
        _stopping.Dispose();
    }

    private async Task StartEngineAsync(BatonOptions options, CancellationToken cancellation)
    {
        _captures = CaptureControl.Open(options, reason => LogEvents.LinkOpened(_logger, reason));
        var engineOptions = EngineOptionsFactory.Create(options, _captures.Front, _captures.Lan, _captures.Nic, Authenticator(options));
        _engine = await BatonEngine.StartAsync(engineOptions, cancellation);
        _metrics = new BatonMetrics(options.Node);
        _engine.HandoffEnded += OnHandoffEnded;
        _engine.PeerRefused += refused => LogEvents.PeerRefused(_logger, refused.Peer, refused.Reason, refused.Text);
        _running.Add(UntilStoppedAsync("metrics", _metrics.RunAsync(_engine, _stopping.Token)));
    }

    private TlsPeerAuthenticator? Authenticator(BatonOptions options)
    {
        if (options.Security is null)
        {
            return null;
        }

        var errors = new List<string>();
        _certificates = FarmCertificates.Load(options, DateTimeOffset.UtcNow, errors)
            ?? throw new OptionsValidationException(Options.DefaultName, typeof(BatonOptions), errors);
        LogEvents.Authenticates(_logger, _certificates.Own.Subject, _certificates.Own.Issuer, _certificates.Own.NotAfter);
        return new TlsPeerAuthenticator(_certificates);
    }

    private Task RunAsync(IBatonApplication application) =>
        UntilStoppedAsync(application.Name, application.RunAsync(Engine, _stopping.Token));

    private async Task UntilStoppedAsync(string name, Task task)
    {
        try
        {
            await task;
        }
        catch (Exception failure) when (failure is OperationCanceledException or ObjectDisposedException && _stopping.IsCancellationRequested)
        {
            // The node stops.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            LogEvents.ApplicationFailed(_logger, name, failure);
        }
    }

    private void OnHandoffEnded(HandoffEvent handoff)
    {
        _metrics?.OnHandoff(handoff);
        if (handoff.Outcome == MoveOutcome.Moved)
        {
            LogEvents.HandedOff(
                _logger, handoff.Role, handoff.Handoff.ToString(), handoff.Flow.ToString(), handoff.From.Value, handoff.To.Value,
                handoff.Epoch.Value, handoff.FrozenMicroseconds, handoff.HeldPackets);
        }
        else
        {
            LogEvents.HandoffFailed(
                _logger, handoff.Role, handoff.Handoff.ToString(), handoff.Flow.ToString(), handoff.From.Value, handoff.To.Value,
                handoff.Outcome, handoff.Reason);
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Baton.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel.Tls;

/// <summary>Puts TLS between a connection and Kestrel: by a handshake, or by what the last node left of one.</summary>
internal sealed class TlsConnectionMiddleware
{
    private readonly ConnectionDelegate _next;
    private readonly BatonTlsOptions _options;
    private readonly TlsContexts _contexts;
    private readonly KeyLogFile? _keyLog;
    private readonly ILogger _logger;

    public TlsConnectionMiddleware(ConnectionDelegate next, BatonTlsOptions options, HttpProtocols protocols, ILogger logger)
    {
        OpenSsl.ThrowIfMissing();
        if (options.ServerCertificate is null && options.ServerCertificateSelector is null)
        {
            throw new InvalidOperationException("UseBatonTls needs a ServerCertificate or a ServerCertificateSelector.");
        }

        if (options.ClientCertificateMode == ClientCertificateMode.DelayCertificate)
        {
            throw new NotSupportedException("UseBatonTls does not ask for a client's certificate after the handshake.");
        }

        _next = next;
        _options = options;
        _logger = logger;
        _keyLog = options.KeyLogFile is null ? null : new KeyLogFile(options.KeyLogFile);
        List<string> names = [];
        if (protocols.HasFlag(HttpProtocols.Http2))
        {
            names.Add("h2");
        }

        if (protocols.HasFlag(HttpProtocols.Http1))
        {
            names.Add("http/1.1");
        }

        _contexts = new TlsContexts(options, new ProtocolList(names));
        if (options.ServerCertificate is not null)
        {
            // A certificate that cannot be used is found when the server starts.
            _contexts.For(options.ServerCertificate);
        }
    }

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var baton = context.Features.Get<BatonConnection>();
        var raw = baton?.Raw ?? context.Transport;
        var pool = context.Features.Get<IMemoryPoolFeature>()?.MemoryPool ?? MemoryPool<byte>.Shared;
        TlsConnection? tls;
        if (baton?.TakeCarriedTls() is { } carried)
        {
            TlsMetrics.Handshake("resumed");
            tls = TlsConnection.Resume(raw, carried, pool);
        }
        else
        {
            tls = await ShakeHandsAsync(context, raw, pool);
        }

        if (tls is null)
        {
            return;
        }

        var features = context.Features;
        features.Set<ITlsConnectionFeature>(tls.Facts);
        features.Set<ITlsHandshakeFeature>(tls.Facts);
        features.Set<ITlsApplicationProtocolFeature>(tls.Facts);
        if (baton is not null)
        {
            baton.BeginTls(tls);
            await _next(context);
            return;
        }

        var below = context.Transport;
        context.Transport = tls;
        try
        {
            await _next(context);
        }
        finally
        {
            tls.Output.Close();
            context.Transport = below;
            await raw.Output.FlushAsync();
            tls.Dispose();
        }
    }

    /// <returns>Null when the handshake has failed and the connection is to be closed.</returns>
    private async Task<TlsConnection?> ShakeHandsAsync(ConnectionContext context, IDuplexPipe raw, MemoryPool<byte> pool)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed);
        limit.CancelAfter(_options.HandshakeTimeout);
        string why;
        try
        {
            var reader = new HandshakeReader(raw.Input);
            var (outcome, hello) = await reader.ReadHelloAsync(limit.Token);
            if (outcome == ClientHelloOutcome.NotTls)
            {
                // RFC 8446 §5.1: a record of a type that may not come. Plain HTTP is the usual case.
                await AlertAsync(raw.Output, AlertDescription.UnexpectedMessage);
                return Refuse(context, "not_tls", "the client does not speak TLS");
            }

            if (outcome == ClientHelloOutcome.Incomplete)
            {
                return Refuse(context, "failed", "the client left before its first message was there");
            }

            // A malformed message is OpenSSL's to refuse.
            string? host = hello?.ServerName;
            var certificate = _options.ServerCertificateSelector is { } select ? select(context, host) : _options.ServerCertificate;
            if (certificate is null)
            {
                await AlertAsync(raw.Output, AlertDescription.HandshakeFailure);
                return Refuse(context, "failed", $"there is no certificate for {host ?? "a client that names no host"}");
            }

            using var handshake = new TlsHandshake(_contexts.For(certificate), _keyLog);
            var step = HandshakeStep.NeedsRecord;
            while (step == HandshakeStep.NeedsRecord)
            {
                if (await reader.ReadRecordAsync(limit.Token) is not { } record)
                {
                    return Refuse(context, "failed", "the client left, or sent too much");
                }

                step = handshake.OnRecord(record.Span);
                handshake.TakeOutput(raw.Output);
                await raw.Output.FlushAsync(limit.Token);
            }

            return step == HandshakeStep.Done
                ? await FinishAsync(context, handshake, host ?? "", raw, pool)
                : Refuse(context, "failed", handshake.Reason);
        }
        catch (OperationCanceledException)
        {
            return Refuse(context, "timeout", context.ConnectionClosed.IsCancellationRequested ? "the client left" : "it took too long");
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException)
        {
            why = failure.Message;
        }

        return Refuse(context, "failed", why);
    }

    private async Task<TlsConnection?> FinishAsync(
        ConnectionContext context, TlsHandshake handshake, string host, IDuplexPipe raw, MemoryPool<byte> pool)
    {
        var tls = TlsConnection.Begin(raw, handshake, host, pool, out var certificates);
        if (_options.ClientCertificateMode != ClientCertificateMode.NoCertificate
            && ClientCertificates.Judge(certificates, _options) is { } alert)
        {
            // In TLS 1.3 a client takes the handshake for done before its certificate is judged: the alert comes after it.
            TlsMetrics.Alert(sent: true, alert);
            tls.Output.Close(alert);
            await raw.Output.FlushAsync();
            tls.Dispose();
            return Refuse(context, "certificate", "the client's certificate is refused");
        }

        TlsMetrics.Handshake(tls.CanMove ? "tls1.3" : "tls1.2");
        return tls;
    }

    private TlsConnection? Refuse(ConnectionContext context, string outcome, string why)
    {
        TlsMetrics.Handshake(outcome);
        KestrelLog.NoTls(_logger, context.ConnectionId, why);
        return null;
    }

    private static async Task AlertAsync(PipeWriter output, AlertDescription alert)
    {
        const byte fatal = 2;
        output.Write((ReadOnlySpan<byte>)[(byte)ContentType.Alert, 3, 3, 0, 2, fatal, (byte)alert]);
        await output.FlushAsync();
    }
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Baton.Kestrel.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>Kestrel on an address of the kernel with UseBatonTls; needs no farm.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly MeterListener _meters = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, long> _counts = new();

    private TlsServer(WebApplication app)
    {
        _app = app;
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == TlsMetrics.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            _counts.AddOrUpdate(string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => $"{tag.Value}")]), value, (_, sum) => sum + value));
        _meters.Start();
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("baton-tls-").FullName;

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public LogLines Log { get; } = new();

    public static async Task<TlsServer> StartAsync(
        Action<BatonTlsOptions>? configure = null, HttpProtocols protocols = HttpProtocols.Http1AndHttp2)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var log = new LogLines();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocols;
            listen.UseBatonTls(options =>
            {
                options.ServerCertificate = TestCertificates.Server;
                configure?.Invoke(options);
            });
        }));
        var app = builder.Build();
        Map(app, "here");
        await app.StartAsync();
        return new TlsServer(app);
    }

    /// <summary>What an application answers that the tests of TLS use.</summary>
    public static void Map(WebApplication app, string node)
    {
        app.MapGet("/", context => context.Response.WriteAsync($"hello by {node}\n"));
        app.MapGet("/facts", context =>
        {
            var handshake = context.Features.GetRequiredFeature<ITlsHandshakeFeature>();
            var connection = context.Features.GetRequiredFeature<ITlsConnectionFeature>();
            return context.Response.WriteAsync(
                $"{context.Request.Scheme} {context.Request.Protocol} {handshake.Protocol} {handshake.NegotiatedCipherSuite} "
                + $"{handshake.HostName} {connection.ClientCertificate?.Subject ?? "none"} by {node}\n");
        });
        app.MapPost("/echo", async context =>
        {
            context.Response.Headers["Node"] = node;

            // A client of HTTP/2 need not read the answer before it has sent all.
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
        });
    }

    /// <summary>How often something was counted.</summary>
    public long Count(string name) => _counts.GetValueOrDefault(name);

    public async Task UntilCountedAsync(string name)
    {
        var patience = WebFarm.Patience();
        while (Count(name) == 0)
        {
            await Task.Delay(5, patience);
        }
    }

    public async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port, WebFarm.Patience());
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Runs a program; gives what it says, on both its outputs.</summary>
    public static async Task<string> RunAsync(string program, string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(WebFarm.Patience());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return await output + await error;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token);
        await _app.DisposeAsync();
        _meters.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}

/// <summary>Clients of TLS that trust the tests' authority.</summary>
internal static class TlsClients
{
    public static SslClientAuthenticationOptions Options(Action<SslClientAuthenticationOptions>? configure = null)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "farm.test",
            CertificateChainPolicy = new()
            {
                TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust,
                RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
                CustomTrustStore = { TestCertificates.Authority },
            },
        };
        configure?.Invoke(options);
        return options;
    }

    public static async Task<SslStream> HandshakeAsync(Stream stream, Action<SslClientAuthenticationOptions>? configure = null)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(Options(configure), WebFarm.Patience());
        return tls;
    }

    /// <summary>Sends a request and receives up to and with <paramref name="end"/>.</summary>
    public static async Task<string> AskAsync(Stream stream, string request, string end)
    {
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(request), WebFarm.Patience());
        return await UntilAsync(stream, end);
    }

    public static async Task<string> UntilAsync(Stream stream, string end)
    {
        var text = new System.Text.StringBuilder();
        byte[] one = new byte[1];
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            Assert.True(await stream.ReadAsync(one, WebFarm.Patience()) > 0, $"the connection was closed after '{text}'");
            text.Append((char)one[0]);
        }

        return text.ToString();
    }
}

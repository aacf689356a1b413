using System.Security.Cryptography.X509Certificates;
using Baton.Kestrel;
using Baton.Kestrel.Tls;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>TLS whose connections move between nodes.</summary>
public static class ListenOptionsBatonTlsExtensions
{
    /// <summary>
    /// Puts TLS on the listener's connections: the handshake is OpenSSL's, and from then on a TLS 1.3 connection over the
    /// farm moves like one without TLS. On addresses of the kernel it works too, without moving.
    /// </summary>
    /// <param name="listen">The listener.</param>
    /// <param name="configure">Sets the options.</param>
    /// <exception cref="DllNotFoundException">OpenSSL 3 is missing. Thrown when the server starts.</exception>
    public static ListenOptions UseBatonTls(this ListenOptions listen, Action<BatonTlsOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new BatonTlsOptions();
        configure(options);
        var logger = listen.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Baton.Kestrel.Tls");
        listen.Use(next => new TlsConnectionMiddleware(next, options, listen.Protocols, logger).OnConnectionAsync);
        return listen;
    }

    /// <inheritdoc cref="UseBatonTls(ListenOptions, Action{BatonTlsOptions})"/>
    /// <param name="listen">The listener.</param>
    /// <param name="certificate">The certificate, with its private key.</param>
    public static ListenOptions UseBatonTls(this ListenOptions listen, X509Certificate2 certificate) =>
        listen.UseBatonTls(options => options.ServerCertificate = certificate);
}

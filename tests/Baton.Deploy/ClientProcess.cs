using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Baton.Node.Demo;

namespace Baton.Deploy;

/// <summary>The clients, in the client's namespace; ordinary ones, which know nothing of the farm and never connect again.</summary>
internal static class ClientProcess
{
    /// <summary>Clients that request over one kept-alive connection each.</summary>
    public const int HttpClients = 20;

    private const int MaxErrors = 5;
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Connects all, says so, talks until standard input ends, and prints what was seen.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture);
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(args[1]);
        RemoteCertificateValidationCallback isOurs = (_, shown, _, _) => certificate.Equals(shown);
        using var stop = new CancellationTokenSource();
        var sockets = Enumerable.Range(0, count).Select(number => new ChatClient(number, Address(number), isOurs)).ToArray();
        await Parallel.ForEachAsync(sockets, new ParallelOptions { MaxDegreeOfParallelism = 50 }, (client, _) => new(client.ConnectAsync()));
        var outcome = new Outcome();
        var talking = sockets.Select(client => client.TalkAsync(s_interval, stop.Token)).ToArray();
        var requesting = Enumerable.Range(0, HttpClients).Select(number => RequestAsync(Address(number), isOurs, outcome, stop.Token)).ToArray();
        await Task.Delay(s_interval * 2);
        Console.Out.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        await stop.CancelAsync();
        await Task.WhenAll([.. talking, .. requesting]);
        foreach (var client in sockets)
        {
            client.AddTo(outcome, MaxErrors);
        }

        Console.Out.WriteLine(JsonSerializer.Serialize(outcome));
        return 0;
    }

    /// <summary>Every second over TLS, and each kind at every home.</summary>
    private static string Address(int number) =>
        (number % 2 == 0 ? "http://" : "https://") + AddressPlan.V4.Nodes[number / 2 % AddressPlan.V4.Nodes.Count].Service;

    private static async Task RequestAsync(string address, RemoteCertificateValidationCallback isOurs, Outcome outcome, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler
        {
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            SslOptions = { RemoteCertificateValidationCallback = isOurs },
            ConnectCallback = async (context, cancellation) =>
            {
                lock (outcome)
                {
                    outcome.Connections++;
                }

                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var client = new HttpClient(handler) { BaseAddress = new(address + "/"), Timeout = TimeSpan.FromSeconds(30) };
        while (!stop.IsCancellationRequested)
        {
            string? failure = null;
            try
            {
                string page = await client.GetStringAsync(new Uri("", UriKind.Relative), CancellationToken.None);
                failure = page.EndsWith("</html>\n", StringComparison.Ordinal) ? null : $"a page of {page.Length} characters";
            }
            catch (Exception failed) when (failed is HttpRequestException or OperationCanceledException)
            {
                failure = failed.Message;
            }

            lock (outcome)
            {
                outcome.Requests++;
                if (failure is not null)
                {
                    outcome.FailedRequests++;
                    if (outcome.Errors.Count < MaxErrors)
                    {
                        outcome.Errors.Add($"request to {address}: {failure}");
                    }
                }
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Baton.Node.Demo;
using Baton.Node.Up;

namespace Baton.Deploy;

/// <summary>
/// A rolling deploy of the chat sample under load: three nodes, each replaced once by the next version, while WebSocket
/// clients send numbered messages and others (HttpClient, wrk, h2load) keep requesting over HTTP/1.1 connections that stay
/// open; half of each kind over TLS.
/// </summary>
internal static class DeployRun
{
    private const string Usage = """
        usage: deploy-test [--quick] [--clients N] [--browser FOLDER]
          --quick           200 clients instead of 2,000
          --clients N       so many, up to 20,000
          --browser FOLDER  also a page in Chromium by http and one by https, with pictures before and after in the folder
        """;
    private const string CertificateFile = "farm.pem", KeyFile = "farm.key";
    private static readonly string[] s_schemes = ["http", "https"];
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string[] args)
    {
        if (!TryParse(args, out int clients, out string? pictures))
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        if (!Environment.IsPrivilegedProcess)
        {
            Console.Error.WriteLine("The deploy test makes network namespaces: run it as root, e.g. with sudo.");
            return 2;
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        Console.CancelKeyPress += (_, press) =>
        {
            press.Cancel = true;
            stop.Cancel();
        };
        await Prerequisites.RequireAsync(isRoot: true, Console.Error.WriteLine, stop.Token);
        WorkDirectory.RemoveLeftovers();
        using var directory = WorkDirectory.Create();
        try
        {
            var outcome = await RunAsync(directory.FullName, clients, pictures, stop.Token);
            Print(outcome);
            if (!outcome.Held)
            {
                directory.Keep();
                Console.Error.WriteLine($"logs: {directory.FullName}");
            }

            return outcome.Held ? 0 : 1;
        }
        catch (Exception failure) when (failure is DemoException or OperationCanceledException or IOException)
        {
            directory.Keep();
            Console.Error.WriteLine($"deploy-test: {failure.Message}\nlogs: {directory.FullName}");
            return 1;
        }
    }

    private static bool TryParse(string[] args, out int clients, out string? pictures)
    {
        (clients, pictures) = (args.Contains("--quick") ? 200 : 2000, null);
        for (int i = 0; i < args.Length; i++)
        {
            bool taken = args[i] switch
            {
                "--quick" => true,
                "--clients" => ++i < args.Length && int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out clients) && clients is > 0 and <= 20_000,
                "--browser" => ++i < args.Length && (pictures = Path.GetFullPath(args[i])).Length > 0,
                _ => false,
            };
            if (!taken)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<Outcome> RunAsync(string directory, int count, string? pictures, CancellationToken cancellation)
    {
        await MakeCertificateAsync(directory);
        await using var network = await DemoNetwork.CreateAsync(relay: false, cancellation);
        await using var farm = await LocalFarm.StartAsync(network, directory, await ChatAsync(directory, 1, cancellation), [("web", 80), ("tls", 443)], cancellation);
        Console.Out.WriteLine($"three nodes of version 1; {count} WebSocket clients, {ClientProcess.HttpClients} of HttpClient, wrk and h2load begin, half of each over TLS");
        using var clients = StartInside(network, "clients", count.ToString(CultureInfo.InvariantCulture), Path.Combine(directory, CertificateFile));
        Process[] browsers = pictures is null ? [] : [.. s_schemes.Select(scheme => StartInside(network, "browser", Directory.CreateDirectory(pictures).FullName, scheme))];
        try
        {
            await RequireLineAsync(clients, "ready", cancellation);
            await using var load = await Load.StartAsync(network, directory, Math.Clamp(count / 20, 4, 20), cancellation);
            foreach (var browser in browsers)
            {
                await RequireLineAsync(browser, "ready", cancellation);
            }

            var next = await ChatAsync(directory, 2, cancellation);
            string[] shown = [];
            foreach (var node in AddressPlan.V4.Nodes)
            {
                shown = await ReplaceAsync(farm, node, next, browsers, cancellation);
            }

            // A page has moved once or twice; with the node that serves it now, at least twice.
            foreach (var serving in AddressPlan.V4.Nodes.Where(node => shown.Any(page => page.Contains($"served by {node.Name} ", StringComparison.Ordinal))))
            {
                await ReplaceAsync(farm, serving, next, browsers, cancellation);
            }

            await Task.Delay(s_between, cancellation);
            var loads = await load.StopAsync();
            long reconnects = await load.ReconnectsAsync(cancellation);
            clients.StandardInput.Close();
            string result = await clients.StandardOutput.ReadToEndAsync(cancellation);
            var outcome = JsonSerializer.Deserialize<Outcome>(result) ?? throw new DemoException("The clients gave no result.");
            outcome = outcome with { Loads = loads };

            // A browser opens connections as it likes.
            return browsers.Length == 0
                ? outcome with { Reconnects = reconnects }
                : outcome with { Pages = await Task.WhenAll(browsers.Select(browser => EndAsync(browser, cancellation))) };
        }
        catch
        {
            clients.Kill(entireProcessTree: true);
            Array.ForEach(browsers, static browser => browser.Kill(entireProcessTree: true));
            throw;
        }
        finally
        {
            Array.ForEach(browsers, static browser => browser.Dispose());
        }
    }

    /// <summary>Replaces a node's process, and gives what the browsers' pages show then.</summary>
    private static async Task<string[]> ReplaceAsync(LocalFarm farm, DemoNode node, ProgramCommand next, Process[] browsers, CancellationToken cancellation)
    {
        await Task.Delay(s_between, cancellation);
        long start = Stopwatch.GetTimestamp();
        await farm.ReplaceAsync(node, next, cancellation);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{node.Name} replaced by version 2 in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s: {Drained(farm, node)}"));
        return await Task.WhenAll(browsers.Select(async browser =>
        {
            await browser.StandardInput.WriteLineAsync(node.Name.AsMemory(), cancellation);
            return await browser.StandardOutput.ReadLineAsync(cancellation) ?? "";
        }));
    }

    /// <summary>What the node said of its drain when it stopped.</summary>
    private static string Drained(LocalFarm farm, DemoNode node) =>
        File.ReadLines(farm.LogOf(node)).LastOrDefault(line => line.Contains("moved", StringComparison.Ordinal))?.Trim() ?? "no drain in its log";

    /// <summary>Ends the browser, and says what its page showed last.</summary>
    /// <exception cref="DemoException">It was not the same page on the same connection.</exception>
    private static async Task<string> EndAsync(Process browser, CancellationToken cancellation)
    {
        browser.StandardInput.Close();
        string result = await browser.StandardOutput.ReadToEndAsync(cancellation);
        await browser.WaitForExitAsync(cancellation);
        return browser.ExitCode == 0 ? result.Trim().Split('|')[^1] : throw new DemoException($"The page or its connection did not stay: {result.Trim()}");
    }

    /// <summary>Starts this program again as a client.</summary>
    private static Process StartInside(DemoNetwork network, params string[] arguments)
    {
        string[] command =
        [
            "netns", "exec", network.Client, Environment.ProcessPath!,
            .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? (string[])[typeof(DeployRun).Assembly.Location] : [],
            .. arguments,
        ];
        var info = new ProcessStartInfo("ip", command) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return Process.Start(info) ?? throw new DemoException("'ip' could not be started.");
    }

    private static async Task RequireLineAsync(Process clients, string wanted, CancellationToken cancellation)
    {
        string? line = await clients.StandardOutput.ReadLineAsync(cancellation);
        if (line != wanted)
        {
            throw new DemoException($"The clients did not begin: {line}");
        }
    }

    /// <summary>The sample, built as this program was.</summary>
    private static Task<ProgramCommand> ChatAsync(string directory, int version, CancellationToken cancellation)
    {
        string own = AppContext.BaseDirectory[..(AppContext.BaseDirectory.LastIndexOf("/tests/", StringComparison.Ordinal) + 1)];
        string folder = Path.Combine(own, "samples/Chat");
        string built = Path.GetRelativePath(Path.Combine(own, "tests/Baton.Deploy"), AppContext.BaseDirectory);
        return ProgramCommand.PrepareAsync(
            Path.Combine(folder, built, "Chat.dll"),
            [
                "--Version", version.ToString(CultureInfo.InvariantCulture), "--contentRoot", folder,
                "--Certificate", Path.Combine(directory, CertificateFile), "--CertificateKey", Path.Combine(directory, KeyFile),
            ],
            cancellation);
    }

    private static async Task MakeCertificateAsync(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=farm.test", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(directory, CertificateFile), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(directory, KeyFile), key.ExportPkcs8PrivateKeyPem());
    }

    private static void Print(Outcome outcome)
    {
        Console.Out.WriteLine($"{outcome.Sent} messages, {outcome.Moves} moves of WebSockets, {outcome.Old} clients last served by version 1, longest wait for a message {outcome.LongestWaitMs} ms");
        Console.Out.WriteLine($"HttpClient: {outcome.Requests} requests, {outcome.FailedRequests} failed, {outcome.Connections} connections opened for them");
        foreach (var load in outcome.Loads)
        {
            Console.Out.WriteLine($"{load.Name}: {load.Requests} requests, {load.Failed} failed");
        }

        foreach (string page in outcome.Pages)
        {
            Console.Out.WriteLine($"the browser's page: {page}");
        }

        foreach (string error in outcome.Errors)
        {
            Console.Out.WriteLine(error);
        }

        Console.Out.WriteLine($"figures: disconnects={outcome.Disconnects} lost={outcome.Lost} doubled={outcome.Doubled} reordered={outcome.Reordered} failed_requests={outcome.AllFailedRequests} reconnects={outcome.Reconnects}");
    }
}

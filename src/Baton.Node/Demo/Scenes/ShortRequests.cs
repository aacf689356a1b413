using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Baton.Node.Demo;

/// <summary>300 short requests to A's address, each on a connection of its own: who served them, by which load (R6).</summary>
internal static class ShortRequests
{
    private const int Count = 300;
    private const int AtOnce = 12;
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /whoami HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");

    public static async Task RunAsync(DemoFarm farm, DemoClient client, DemoView view, DemoReport report, CancellationToken cancellation)
    {
        var step = view.Begin("300 requests");
        var served = new Dictionary<string, int>(StringComparer.Ordinal);
        int failed = 0;
        await Parallel.ForEachAsync(
            client.Sockets(Count, SocketType.Stream),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (socket, token) =>
            {
                string? node = await AskAsync(socket, farm.Plan.Service(DemoConfiguration.WebPort), token);
                lock (served)
                {
                    if (node is null)
                    {
                        failed++;
                    }
                    else
                    {
                        served[node] = served.GetValueOrDefault(node) + 1;
                        step.Now(Text(served));
                    }
                }
            });
        report.RequestsByNode = served;
        var farmView = await farm["a"].StatusAsync(cancellation: cancellation);
        string load = string.Join(", ", farmView.Nodes.Select(n => $"{n.Name} {n.Counters?.HandoffsIn ?? 0} taken, {n.LiveConnections} live"));
        bool held = report.Check("each of 300 requests to A was answered by one node", failed == 0 && served.Values.Sum() == Count, Text(served))
            & report.Check("every node served some", farm.Plan.Nodes.All(n => served.GetValueOrDefault(n.Name) > 0), "least loaded of two random choices");
        step.Done(held, $"{Text(served)}; least loaded of two ({load})");
    }

    /// <summary>Sends one request and gives the name of the node that answered, or null.</summary>
    public static async Task<string?> AskAsync(Socket socket, IPEndPoint service, CancellationToken cancellation)
    {
        using (socket)
        {
            try
            {
                await socket.ConnectAsync(service, cancellation);
                await socket.SendAsync(Request, cancellation);
                using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
                string[] response = (await reader.ReadToEndAsync(cancellation)).Split("\r\n\r\n");
                return response is [var head, var body] && head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) ? body.Trim() : null;
            }
            catch (Exception error) when (error is SocketException or IOException)
            {
                return null;
            }
        }
    }

    private static string Text(Dictionary<string, int> served) =>
        string.Join(", ", served.OrderBy(s => s.Key).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value}")));
}

using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Baton.Node.Demo;

/// <summary>A UDP exchange whose endpoint moves A, B, C: each answer names its node, and the count goes on (R24).</summary>
internal static class DatagramExchange
{
    private const int EachNode = 5;
    private const int Tries = 10;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(500);

    public static async Task RunAsync(DemoFarm farm, DemoClient client, DemoView view, DemoReport report, CancellationToken cancellation)
    {
        var step = view.Begin("UDP");
        using var socket = client.Sockets(1, SocketType.Dgram, AddressPlan.DatagramPort)[0];
        await socket.ConnectAsync(farm.Plan.Service(DemoConfiguration.DatagramPort), cancellation);
        var answers = new List<(string Node, int Count)>();
        string[] path = ["a", "b", "c"];
        for (int stop = 0; stop < path.Length; stop++)
        {
            if (stop > 0)
            {
                var moved = await farm[path[stop - 1]].MoveAsync(new(farm.Plan.ClientName(AddressPlan.DatagramPort), path[stop]), cancellation);
                if (moved.Handoff is not { } handoff || moved.Outcome != Engine.MoveOutcome.Moved)
                {
                    throw new DemoException($"The UDP endpoint was not moved to {path[stop]} ({moved.Outcome}): {moved.Reason}");
                }

                report.Handoffs.Add(handoff);
            }

            for (int i = 0; i < EachNode; i++)
            {
                answers.Add(await AskAsync(socket, string.Create(CultureInfo.InvariantCulture, $"{stop}.{i}"), cancellation));
                step.Now(Text(answers));
            }
        }

        bool nodes = answers.Select(a => a.Node).SequenceEqual(path.SelectMany(n => Enumerable.Repeat(n, EachNode)));
        bool counts = answers.Zip(answers.Skip(1)).All(p => p.Second.Count > p.First.Count);
        bool held = report.Check("UDP: answered by a, b and c in turn, one count over all", nodes && counts, Text(answers));
        step.Done(held, Text(answers));
    }

    /// <summary>Sends until it is answered: datagrams may be lost (<c>--loss</c>).</summary>
    private static async Task<(string Node, int Count)> AskAsync(Socket socket, string text, CancellationToken cancellation)
    {
        var buffer = new byte[256];
        for (int i = 0; i < Tries; i++)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(text), cancellation);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(AnswerTime);
            try
            {
                while (true)
                {
                    int length = await socket.ReceiveAsync(buffer, limit.Token);
                    string[] answer = Encoding.ASCII.GetString(buffer, 0, length).Split(' ');
                    if (answer is [var node, var count, var echoed] && echoed == text)
                    {
                        return (node, int.Parse(count, CultureInfo.InvariantCulture));
                    }
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // Lost: send it again.
            }
        }

        throw new DemoException($"No answer to datagram '{text}' in {Tries} tries.");
    }

    private static string Text(IEnumerable<(string Node, int Count)> answers) => string.Join(
        ", ", answers.GroupBy(a => a.Node).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} counts {g.First().Count} to {g.Last().Count}")));
}

using System.CommandLine;
using System.Globalization;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton drain</c>: a node gives all its connections away, then its service addresses, and takes no new ones: then it may exit.</summary>
internal static class DrainVerb
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var control = new ControlArguments();
        var node = new Argument<string>("drained") { Description = "The node to drain.", HelpName = "NODE" };
        var limit = new Option<int?>("--deadline")
        {
            Description = "Wait no longer than so many seconds; the node goes on draining.",
            HelpName = "SECONDS",
        };
        var undo = new Option<bool>("--undo") { Description = "Let it take connections again, and give it its service addresses back." };
        var command = control.On(new("drain", "Move all connections and service addresses off a node, and let it take no new ones."));
        command.Arguments.Add(node);
        command.Options.Add(undo);
        command.Options.Add(limit);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            string name = parsed.GetRequiredValue(node);
            var view = parsed.GetValue(undo)
                ? await client.ResumeAsync(name, cancellation)
                : await client.DrainAsync(name, cancellation);
            bool json = parsed.GetValue(control.Json);
            long deadline = parsed.GetValue(limit) is { } seconds ? Environment.TickCount64 + seconds * 1000L : long.MaxValue;
            while (view.State == "running" && Environment.TickCount64 < deadline)
            {
                await Task.Delay(PollInterval, cancellation);
                var next = await client.DrainProgressAsync(name, cancellation);
                if (!json && next.Progress is not null && next.Progress != view.Progress)
                {
                    Print(next);
                }

                view = next;
            }

            if (json)
            {
                Output.Json(view, ControlJson.Default.DrainView);
            }
            else
            {
                Print(view);
            }

            return view.State is "failed" or "running" ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }

    private static void Print(DrainView view)
    {
        if (view.Error is not null)
        {
            Console.Error.WriteLine($"baton: {view.Node}: {view.Error}");
        }
        else if (view.Progress is { } p)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{view.Node}: {p.Total} connections, {p.Moved} moved, {p.Closed} closed, {p.Failed} failed attempts, {p.Remaining} and {p.Addresses} service addresses remaining"));
            if (view.State == "done" && p.Addresses > 0)
            {
                Console.Error.WriteLine($"baton: {view.Node} keeps its service addresses, as no other node can take them: it must go on running");
            }
        }
        else
        {
            Console.Out.WriteLine($"{view.Node}: takes connections");
        }
    }
}

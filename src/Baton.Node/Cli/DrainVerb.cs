using System.CommandLine;
using System.Globalization;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton drain</c>: a node gives all its connections away and takes no new ones.</summary>
internal static class DrainVerb
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var control = new ControlArguments();
        var node = new Argument<string>("drained") { Description = "The node to drain.", HelpName = "NODE" };
        var undo = new Option<bool>("--undo") { Description = "Let it take connections again." };
        var command = control.On(new("drain", "Move all connections off a node, and let it take no new ones."));
        command.Arguments.Add(node);
        command.Options.Add(undo);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            string name = parsed.GetRequiredValue(node);
            var view = parsed.GetValue(undo)
                ? await client.ResumeAsync(name, cancellation)
                : await client.DrainAsync(name, cancellation);
            bool json = parsed.GetValue(control.Json);
            while (view.State == "running")
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

            return view.State == "failed" ? ExitCode.Failed : ExitCode.Success;
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
                $"{view.Node}: {p.Total} connections, {p.Moved} moved, {p.Closed} closed, {p.Failed} failed attempts, {p.Remaining} remaining"));
        }
        else
        {
            Console.Out.WriteLine($"{view.Node}: takes connections");
        }
    }
}

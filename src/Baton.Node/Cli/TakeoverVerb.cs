using System.CommandLine;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton takeover</c>: the node that is asked takes the service addresses of a dead one.</summary>
internal static class TakeoverVerb
{
    public static Command Create()
    {
        var control = new ControlArguments();
        var node = new Argument<string>("dead") { Description = "The node that is dead.", HelpName = "NODE" };
        var force = new Option<bool>("--force")
        {
            Description = "Without a majority of the members: you have made sure that the node is off.",
        };
        var command = control.On(new("takeover", "Take a dead node's service addresses; its connections at other nodes go on."));
        command.Arguments.Add(node);
        command.Options.Add(force);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            var view = await client.TakeOverAsync(new(parsed.GetRequiredValue(node), parsed.GetValue(force)), cancellation);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(view, ControlJson.Default.TakeoverView);
            }
            else if (view.Taken)
            {
                Console.Out.WriteLine($"{view.Node} is home of {string.Join(' ', view.Addresses)}");
            }
            else
            {
                Console.Error.WriteLine($"baton: not taken: {view.Reason}");
            }

            return view.Taken ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }
}

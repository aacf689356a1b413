using System.CommandLine;
using System.Globalization;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton move</c>: one connection goes to another node.</summary>
internal static class MoveVerb
{
    public static Command Create()
    {
        var control = new ControlArguments();
        var connection = new Argument<string>("connection") { Description = "Its id (or the beginning of it), or the client's ADDRESS:PORT." };
        var target = new Argument<string>("target") { Description = "The node it is to go to." };
        var command = control.On(new("move", "Move a live connection to another node."));
        command.Arguments.Add(connection);
        command.Arguments.Add(target);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = control.Connect(parsed);
            var moved = await client.MoveAsync(new(parsed.GetRequiredValue(connection), parsed.GetRequiredValue(target)), cancellation);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(moved, ControlJson.Default.MoveView);
            }
            else if (moved.Outcome == MoveOutcome.Moved)
            {
                Console.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{moved.Connection?.Client} moved from {moved.Connection?.Node} to {parsed.GetValue(target)}, epoch {moved.Handoff?.Epoch}, frozen {moved.Handoff?.FrozenMicroseconds:0} µs, {moved.Handoff?.HeldPackets} packets held"));
            }
            else
            {
                Console.Error.WriteLine($"baton: not moved ({moved.Outcome}): {moved.Reason}");
            }

            return moved.Outcome == MoveOutcome.Moved ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }
}

using System.CommandLine;
using System.Globalization;
using Baton.Node.Up;

namespace Baton.Node.Cli;

/// <summary><c>baton up</c>: three nodes of a program on this machine, to try it on a farm.</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        var program = new Argument<string>("program") { Description = "A folder with a project, a .csproj, a .dll or a program that calls UseBaton or AddBaton.", HelpName = "PROGRAM" };
        var arguments = new Argument<string[]>("arguments") { Description = "What the program is started with.", HelpName = "ARGUMENT", Arity = ArgumentArity.ZeroOrMore };
        var service = new Option<string[]>("--service") { Description = "A service and its port; may be given several times.", HelpName = "NAME=PORT", DefaultValueFactory = _ => ["web=80"] };
        var exec = new Option<string>("--exec") { Description = "Run this shell command as the farm's client, then end with its status.", HelpName = "COMMAND" };
        service.Validators.Add(result =>
        {
            foreach (string text in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (!TryParse(text, out _))
                {
                    result.AddError($"--service wants NAME=PORT, e.g. web=80, not '{text}'.");
                }
            }
        });
        var command = new Command("up", "Run three nodes of a program on this machine, each in a network namespace of its own.") { program, arguments, service, exec };
        command.SetAction(parsed => UpRun.StartAsync(new()
        {
            Program = parsed.GetRequiredValue(program),
            ProgramArguments = parsed.GetValue(arguments) ?? [],
            Services = [.. parsed.GetRequiredValue(service).Select(text => TryParse(text, out var parts) ? parts : default)],
            Exec = parsed.GetValue(exec),
            Arguments = [.. parsed.Tokens.Select(t => t.Value)],
        }));
        return command;
    }

    private static bool TryParse(string text, out (string Name, int Port) service)
    {
        string[] parts = text.Split('=');
        service = default;
        if (parts is not [{ Length: > 0 } name, var number]
            || !ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
        {
            return false;
        }

        service = (name, port);
        return true;
    }
}

using System.CommandLine;
using Baton.Engine;
using Baton.Link;
using Baton.Node.Demo;
using Microsoft.Extensions.Options;

namespace Baton.Node.Cli;

/// <summary>The program's commands.</summary>
internal static class CommandTree
{
    public static RootCommand Build() => new("A farm of servers that passes live connections from node to node.")
    {
        NodeVerb.Create(),
        StatusVerb.Create(),
        ConnectionsVerb.Create(),
        ShowVerb.Create(),
        MoveVerb.Create(),
        DrainVerb.Create(),
        TakeoverVerb.Create(),
        CaptureVerb.Create(),
        FarmVerb.Create(),
        DemoVerb.Create(),
        UpVerb.Create(),
        RelayVerb.Create(),
    };

    public static async Task<int> RunAsync(string[] args)
    {
        Output.Prepare();
        var parsed = Build().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await parsed.InvokeAsync(new() { ProcessTerminationTimeout = null });
            return ExitCode.Misuse;
        }

        try
        {
            // Each command that can be interrupted cleans up by itself, in its own time.
            return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("baton: interrupted");
            return ExitCode.Interrupted;
        }
        catch (PrerequisiteException missing)
        {
            return Fail(ExitCode.Misuse, missing.Message);
        }
        catch (OptionsValidationException invalid)
        {
            return Fail(ExitCode.Misuse, string.Join("\n", invalid.Failures.Prepend($"The configuration has {invalid.Failures.Count()} errors:")));
        }
        catch (NoNodeException none)
        {
            return Fail(ExitCode.NoNode, none.Message);
        }
        catch (Exception failure) when (failure is BatonException or LinkException or DemoException)
        {
            return Fail(ExitCode.Failed, failure.Message);
        }
    }

    private static int Fail(int status, string message)
    {
        Console.Error.WriteLine("baton: " + message);
        return status;
    }
}

using Baton.Node.Cli;
using Baton.Node.Demo;

namespace Baton.Node.Up;

/// <summary><c>baton up</c> from beginning to end. Whatever happens, what was made is removed.</summary>
internal static class UpRun
{
    /// <summary>Finds the rights that are needed and runs; gives the exit status.</summary>
    public static async Task<int> StartAsync(UpOptions options)
    {
        using var stop = new Interruption();
        var program = await PrepareAsync(options, stop.Token);
        if (!Environment.IsPrivilegedProcess)
        {
            return await Unprivileged.RunInsideAsync(options.Arguments);
        }

        WorkDirectory.RemoveLeftovers();
        using var directory = WorkDirectory.Create();
        await using var network = await DemoNetwork.CreateAsync(relay: false, stop.Token);
        await using var farm = await LocalFarm.StartAsync(network, directory.FullName, program, options.Services, stop.Token);
        if (options.Exec is { } command)
        {
            return await ExecAsync(network, command, directory.FullName, stop.Token);
        }

        await using var access = await HostAccess.OpenAsync(network, stop.Token);
        Explain(options, farm, access, directory.FullName);
        await ServeAsync(farm, program, stop.Token);
        return ExitCode.Success;
    }

    private static async Task<ProgramCommand> PrepareAsync(UpOptions options, CancellationToken cancellation)
    {
        if (!Unprivileged.IsInside)
        {
            await Prerequisites.RequireAsync(Environment.IsPrivilegedProcess, Console.Error.WriteLine, cancellation);
            Console.Error.WriteLine($"preparing {options.Program} …");
        }

        return await ProgramCommand.PrepareAsync(options.Program, options.ProgramArguments, cancellation);
    }

    private static void Explain(UpOptions options, LocalFarm farm, HostAccess access, string directory)
    {
        foreach (var node in AddressPlan.V4.Nodes)
        {
            Console.Out.WriteLine($"{node.Name}  {node.Service}  log {farm.LogOf(node)}");
        }

        var (name, port) = options.Services[0];
        string address = $"{AddressPlan.V4.Nodes[0].Service}{(port == 80 ? "" : $":{port}")}";
        Console.Out.WriteLine($"service {name}: {access.Explain(address)}");
        Console.Out.WriteLine($"in another terminal: XDG_RUNTIME_DIR={directory} ./baton status, drain b, …");
        Console.Out.WriteLine("here: 'deploy' replaces the nodes' processes one after the other, 'quit' or Ctrl-C ends the farm");
    }

    private static async Task ServeAsync(LocalFarm farm, ProgramCommand program, CancellationToken cancellation)
    {
        try
        {
            // Reading a terminal cannot be interrupted: it has a thread of its own, which the process does not wait for.
            var lines = System.Threading.Channels.Channel.CreateUnbounded<string>();
            new Thread(() => ReadLines(lines.Writer)) { IsBackground = true, Name = "terminal" }.Start();
            await foreach (string line in lines.Reader.ReadAllAsync(cancellation))
            {
                switch (line.Trim())
                {
                    case "quit":
                        return;
                    case "deploy":
                        await DeployAsync(farm, program, cancellation);
                        break;
                    case { Length: > 0 } other:
                        Console.Error.WriteLine($"'{other}' is no command here: deploy, quit.");
                        break;
                    default:
                        break;
                }
            }

            // No terminal: until interrupted, or a program ends by itself.
            while (true)
            {
                farm.RequireRunning();
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // The user's way to end it.
        }
    }

    private static void ReadLines(System.Threading.Channels.ChannelWriter<string> lines)
    {
        while (Console.In.ReadLine() is { } line)
        {
            lines.TryWrite(line);
        }

        lines.Complete();
    }

    private static async Task DeployAsync(LocalFarm farm, ProgramCommand program, CancellationToken cancellation)
    {
        foreach (var node in AddressPlan.V4.Nodes)
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            await farm.ReplaceAsync(node, program, cancellation);
            Console.Out.WriteLine($"{node.Name} replaced in {System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        }
    }

    private static async Task<int> ExecAsync(DemoNetwork network, string command, string directory, CancellationToken cancellation)
    {
        var info = new System.Diagnostics.ProcessStartInfo("ip");
        foreach (string argument in (string[])["netns", "exec", network.Client, "sh", "-c", command])
        {
            info.ArgumentList.Add(argument);
        }

        info.Environment["XDG_RUNTIME_DIR"] = directory;
        using var process = System.Diagnostics.Process.Start(info) ?? throw new DemoException("'ip' could not be started.");
        try
        {
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}

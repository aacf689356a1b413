using System.Globalization;
using System.Runtime.InteropServices;
using Baton.Endurance;

if (args is [NodeProgram.Name, var space, var node])
{
    return await NodeProgram.RunAsync(space, node);
}

if (args is ["--help" or "-h", ..])
{
    Console.WriteLine("usage: ./build endurance [--minutes N] [--connections N] [--loss PERCENT] [--seed S]");
    Console.WriteLine("  three nodes in processes of their own, drained and killed at random under traffic and loss");
    return 0;
}

if (!Environment.IsPrivilegedProcess)
{
    Console.Error.WriteLine("endurance: network namespaces and TAP devices take root: run it with sudo, or inside a container that may.");
    return 2;
}

// The runtime ends at once on SIGTERM: this way the namespaces go with the process.
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, static _ => Environment.Exit(143));
var settings = new Settings
{
    Time = TimeSpan.FromMinutes(Number("--minutes", 15)),
    Connections = (int)Number("--connections", 10_000),
    Loss = Number("--loss", 1) / 100,
    Seed = (int)Number("--seed", Environment.TickCount),
};
try
{
    return await Endurance.RunAsync(settings);
}
catch (EnduranceException e)
{
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"endurance: {e.Message} (seed {settings.Seed})"));
    return 1;
}

double Number(string option, double otherwise)
{
    int at = Array.IndexOf(args, option);
    return at < 0 ? otherwise : double.Parse(args[at + 1], CultureInfo.InvariantCulture);
}

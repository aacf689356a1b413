using System.CommandLine;
using Baton.Link;

namespace Baton.Node.Cli;

/// <summary><c>baton relay</c> (hidden): joins a TAP of one namespace with a TAP of another, with delay and loss. Ends with its input.</summary>
internal static class RelayVerb
{
    public static Command Create()
    {
        var first = new Option<string>("--first") { Description = "NAMESPACE/DEVICE of one end.", Required = true };
        var second = new Option<string>("--second") { Description = "NAMESPACE/DEVICE of the other end.", Required = true };
        var delay = new Option<double>("--delay") { Description = "Milliseconds each way." };
        var loss = new Option<double>("--loss") { Description = "Percent of frames lost each way." };
        var capture = new Option<string>("--capture") { Description = "Capture the first end into this file.", HelpName = "FILE" };
        var snap = new Option<int>("--snaplen") { Description = "Bytes captured of each packet; 0 for all.", DefaultValueFactory = _ => 160 };
        var command = new Command("relay", "Join two TAPs, with delay and loss.") { first, second, delay, loss, capture, snap };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var profile = new FaultProfile
            {
                Delay = TimeSpan.FromMilliseconds(parsed.GetValue(delay)),
                Loss = parsed.GetValue(loss) / 100,
            };
            using var interruption = new Interruption();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(interruption.Token);
            using var one = new CaptureLink(
                Open(parsed.GetRequiredValue(first)),
                parsed.GetValue(capture) is { } file ? new() { Path = file, SnapLength = parsed.GetValue(snap) } : null);
            using var other = Open(parsed.GetRequiredValue(second));
            var relay = new Relay(one, other, new() { Forward = profile, Backward = profile });
            var running = new Thread(() => relay.Run(ended.Token)) { Name = "relay" };
            running.Start();
            Console.Out.WriteLine("ready");
            while (!ended.IsCancellationRequested && Console.In.Read() >= 0)
            {
            }

            ended.Cancel();
            running.Join();
            return ExitCode.Success;
        });
        return command;
    }

    private static TapLink Open(string end)
    {
        string[] parts = end.Split('/', 2);
        return TapLink.Open(new() { Namespace = parts[0], Name = parts[^1], KernelIpv6 = true });
    }
}

using System.CommandLine;
using Baton.Node.Demo;

namespace Baton.Node.Cli;

/// <summary><c>baton demo</c>: three nodes, a real client, and a live connection moved around the farm.</summary>
internal static class DemoVerb
{
    public static Command Create()
    {
        var delay = new Option<double>("--delay") { Description = "Milliseconds each way between client and router.", DefaultValueFactory = _ => 5 };
        var loss = new Option<double>("--loss") { Description = "Percent of frames lost there, each way." };
        var size = new Option<string>("--size") { Description = "Bytes of the download and of the upload, e.g. 256M, 1G.", DefaultValueFactory = _ => "1G" };
        var snap = new Option<int>("--snaplen") { Description = "Bytes captured of each packet; 0 for all.", DefaultValueFactory = _ => 160 };
        var keep = new Option<string>("--keep-captures") { Description = "Leave the captures in this directory.", HelpName = "DIR" };
        var link = new Option<string>("--link") { Description = "Kind of the nodes' links; xdp takes root.", DefaultValueFactory = _ => "tap" }
            .AcceptOnlyFromAmong("tap", "packet", "xdp");
        var ipv6 = new Option<bool>("-6", "--ipv6") { Description = "Everything by IPv6: the client, the front and the lan." };
        var json = new Option<bool>("--json") { Description = "Print the summary as JSON." };
        delay.Validators.Add(result => Range(result, delay, 0, 1000));
        loss.Validators.Add(result => Range(result, loss, 0, 50));
        size.Validators.Add(result =>
        {
            if (!DemoOptions.TryParseSize(result.GetValueOrDefault<string>(), out _))
            {
                result.AddError("--size wants a number of bytes from 64M to 3G, e.g. 256M.");
            }
        });
        var command = new Command("demo", "Run three nodes and a client on this machine, and move a live connection around.")
        {
            delay, loss, size, snap, keep, link, ipv6, json,
        };
        command.SetAction(parsed =>
        {
            _ = DemoOptions.TryParseSize(parsed.GetRequiredValue(size), out long bytes);
            return DemoRun.StartAsync(new()
            {
                Delay = parsed.GetValue(delay),
                Loss = parsed.GetValue(loss),
                Size = bytes,
                SnapLength = parsed.GetValue(snap),
                Link = Enum.Parse<DemoLink>(parsed.GetRequiredValue(link), ignoreCase: true),
                Plan = parsed.GetValue(ipv6) ? AddressPlan.V6 : AddressPlan.V4,
                KeepCaptures = parsed.GetValue(keep),
                Json = parsed.GetValue(json),
                Arguments = [.. parsed.Tokens.Select(t => t.Value)],
            });
        });
        return command;
    }

    private static void Range(System.CommandLine.Parsing.OptionResult result, Option<double> option, double least, double most)
    {
        if (result.GetValueOrDefault<double>() is var value && (value < least || value > most))
        {
            result.AddError($"{option.Name} wants a number from {least} to {most}.");
        }
    }
}

using System.CommandLine;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary><c>baton capture</c>: writes what passes a node's links into pcapng files.</summary>
internal static class CaptureVerb
{
    private const int DefaultSnapLength = 160;

    public static Command Create()
    {
        var control = new ControlArguments();
        var directory = new Option<string>("--directory") { Description = "Where the files go.", DefaultValueFactory = _ => Directory.GetCurrentDirectory(), HelpName = "DIR" };
        var snap = new Option<int>("--snaplen") { Description = "Bytes kept of each packet; 0 for all.", DefaultValueFactory = _ => DefaultSnapLength };
        var seconds = new Option<double>("--seconds") { Description = "How long; until Ctrl-C without it." };
        var command = control.On(new("capture", "Capture a node's front and lan into pcapng files."));
        command.Options.Add(directory);
        command.Options.Add(snap);
        command.Options.Add(seconds);
        command.SetAction(async parsed =>
        {
            using var interruption = new Interruption();
            using var client = control.Connect(parsed);
            await client.StartCaptureAsync(new(Path.GetFullPath(parsed.GetRequiredValue(directory)), parsed.GetValue(snap)), interruption.Token);
            try
            {
                var time = parsed.GetValue(seconds);
                await Task.Delay(time > 0 ? TimeSpan.FromSeconds(time) : Timeout.InfiniteTimeSpan, interruption.Token);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C ends the capture, which is then whole.
            }

            var views = await client.StopCaptureAsync(default);
            if (parsed.GetValue(control.Json))
            {
                Output.Json(views, ControlJson.Default.IReadOnlyListCaptureView);
            }
            else
            {
                foreach (var view in views)
                {
                    Console.Out.WriteLine($"{view.File}: {view.Packets} packets, {view.Dropped} dropped");
                }
            }

            return views.Any(v => v.Dropped > 0) ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }
}

using System.Globalization;
using System.Text.Json;
using Baton.Engine;
using Baton.Handoff;
using Baton.Samples;
using Baton.Wire;
using HandoffRole = Baton.Engine.HandoffRole;

namespace Baton.Endurance;

/// <summary>A node in a process of its own: answers a line for each line of its input, and ends with that.</summary>
internal sealed class NodeProgram
{
    /// <summary>The word that starts this program as one.</summary>
    public const string Name = "node";

    private readonly BatonEngine _engine;
    private Task _draining = Task.CompletedTask;
    private TimeSpan _marked;

    private NodeProgram(BatonEngine engine) => _engine = engine;

    public static async Task<int> RunAsync(string space, string node)
    {
        await using var engine = await BatonEngine.StartAsync(Network.NodeOptions(space, node));
        var applications = new LocalApplications(engine) { OnFailure = static (name, failure) => Console.Error.WriteLine($"{name}: {failure}") };
        applications.Add(new EchoApplication());
        using var stopping = new CancellationTokenSource();
        var serving = applications.RunAsync(EchoApplication.Service, new BatonEndPoint(EchoApplication.Service), stopping.Token);
        var program = new NodeProgram(engine);
        while (await Console.In.ReadLineAsync() is { } command)
        {
            Console.WriteLine(await program.AnswerAsync(command));
        }

        await stopping.CancelAsync();
        await Task.WhenAny(serving);
        return 0;
    }

    /// <summary>A connection's name: the client's port, and the address that it connected to.</summary>
    public static string KeyOf(int clientPort, string service) => string.Create(CultureInfo.InvariantCulture, $"{clientPort}@{service}");

    private async Task<string> AnswerAsync(string command)
    {
        switch (command)
        {
            case "ready":
                return Json(await IsReadyAsync());
            case "list":
                return Json((await _engine.EndpointsAsync()).Select(endpoint => new Listed(KeyOf(endpoint.Flow), endpoint.Activity == EndpointActivity.Active, endpoint.Epoch.Value)));
            case "mark":
                _marked = await _engine.HandoffsAsync() is [.., var last] ? last.At : TimeSpan.Zero;
                return Json(true);
            case "handoffs":
                return Json((await _engine.HandoffsAsync())
                    .Where(handoff => handoff.At > _marked)
                    .Select(handoff => new Told(KeyOf(handoff.Flow), handoff.Epoch.Value, handoff.From.Value, handoff.To.Value, $"{handoff.Role}", $"{handoff.Outcome}", handoff.Reason)));
            case "drain":
                _draining = _engine.DrainAsync().AsTask();
                return Json(true);
            case "drained":
                return Json(_draining.IsCompleted);
            case "resume":
                await _engine.ResumeAsync();
                return Json(true);
            case "counters":
                var counters = await _engine.CountersAsync();
                return Json(new Counted(counters.ResetsSent, counters.EndpointsDiscarded, counters.FlowsWrittenOff));
            case "homes":
                return Json((await _engine.HomesAsync()).Select(static home => $"{home}"));
            default:
                throw new ArgumentException($"There is no command '{command}'.");
        }
    }

    /// <summary>Whether everybody is heard, and every address has a home; which of them are served here.</summary>
    private async Task<Ready> IsReadyAsync()
    {
        var homes = await _engine.HomesAsync();
        return new(
            _engine.Members.All(member => member.Reachable) && homes.All(home => home.Home is not null),
            homes.Count(home => home.Phase == HomePhase.Serving));
    }

    private static string KeyOf(Flow flow) => KeyOf(flow.Tuple.RemotePort, flow.Tuple.LocalAddress.ToString());

    private static string Json<T>(T value) => JsonSerializer.Serialize(value);
}

/// <summary>An endpoint at a node.</summary>
internal sealed record Listed(string Key, bool Active, uint Epoch);

/// <summary>A handoff that has ended, as its source or target tells it: the epoch after it, the nodes' numbers, how it ended.</summary>
internal sealed record Told(string Key, uint Epoch, int From, int To, string Role, string Outcome, string Reason);

/// <summary>Whose a connection is: the epoch in which it became that, and the number of the owner.</summary>
internal sealed record Owned(string Key, uint Epoch, int Owner);

/// <summary>Whether a node is ready, and how many addresses it serves.</summary>
internal sealed record Ready(bool Meets, int Serves);

/// <summary>A node's counters.</summary>
internal sealed record Counted(long Resets, long Discarded, long WrittenOff);
